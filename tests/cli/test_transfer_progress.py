"""The progress of a transfer as plain lines, where nobody sees a bar."""

import pytest

from runner.cli.terminal.progress import TransferProgress
from runner.settings import load


def lines(capfd: pytest.CaptureFixture[str], *steps: tuple[int, int]) -> list[str]:
    with TransferProgress(load({})) as progress:
        for done, total in steps:
            progress("a.gguf and 1 more", done, total)
    return capfd.readouterr().err.splitlines()


def test_what_was_here_before_is_said_once_and_nothing_runs_backwards(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert lines(capfd, (500, 1000), (510, 1000), (700, 1000), (300, 1000), (1000, 1000)) == [
        "a.gguf and 1 more: continuing at 500 B of 1 kB",
        "a.gguf and 1 more: 700 B of 1 kB (70 %)",
        "a.gguf and 1 more: 1 kB of 1 kB (100 %)",
    ]


def test_what_is_here_whole_is_only_checked(capfd: pytest.CaptureFixture[str]) -> None:
    assert lines(capfd, (1000, 1000), (1000, 1000)) == ["a.gguf and 1 more is here; checking it"]


def test_what_is_fetched_from_its_beginning(capfd: pytest.CaptureFixture[str]) -> None:
    assert lines(capfd, (0, 1000), (1000, 1000)) == [
        "a.gguf and 1 more: fetching 1 kB",
        "a.gguf and 1 more: 1 kB of 1 kB (100 %)",
    ]
