"""Sizes, durations and dates in words."""

from datetime import UTC, datetime, timedelta

import pytest

from runner.cli.words import ago, brief, duration, memory, size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1_500, "1.5 kB"),
        (123_456_789, "123 MB"),
        (1_117_000_000, "1.12 GB"),
        (42_520_000_000, "42.5 GB"),
        (999_600_000, "1 GB"),
        (1_234_000_000_000, "1234 GB"),
    ],
)
def test_sizes_are_decimal(count: int, said: str) -> None:
    assert size(count) == said


def test_memory_is_binary() -> None:
    assert memory(16 * 2**30) == "16.0 GiB"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (3.21, "3.2 s"), (59.94, "59.9 s"), (125, "2 min 5 s")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (5, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (7300, "2 hours ago"),
        (86400 * 40, "40 days ago"),
        (-100, "just now"),
    ],
)
def test_dates(seconds: int, said: str) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert ago(now - timedelta(seconds=seconds), now) == said
    assert ago(None) == "never"


def test_a_text_in_a_line_is_cut_to_its_length() -> None:
    assert brief(" a\n  b ", 3) == "a b"
    assert brief("a\nbcd", 4) == "a b…"
