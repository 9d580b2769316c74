"""What comes through a pipe."""

import io

import pytest

from runner.cli.stdin import read_text
from tests.chat import papers
from tests.cli.conftest import Runner


@pytest.mark.parametrize(
    ("data", "text", "remark"),
    [
        (b"", "", ""),
        (b" \n\n", " \n", ""),
        (b"\xef\xbb\xbfa\r\nb\n", "a\nb", ""),
        (b"<!DOCTYPE html><p>a &amp; b</p>", "<!DOCTYPE html><p>a &amp; b</p>", ""),
        ("Grüße".encode("utf-16"), "Grüße", ""),
        ("Grüße".encode("cp1252"), "Grüße", "stdin: text, read as cp1252\n"),
        (papers.pdf("A page", "Another"), "A page\n\nAnother", "stdin: PDF, 2 pages\n"),
        (papers.word(papers.paragraph("A letter")), "A letter", ""),
    ],
)
def test_text_is_kept_to_the_letter_and_documents_are_read(
    data: bytes,
    text: str,
    remark: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
    assert read_text() == text
    assert capsys.readouterr() == ("", remark)


def test_a_picture_is_refused_before_a_model_is_loaded(runner: Runner) -> None:
    said = runner("run", "no-such-model", "What is this?", stdin=b"\x89PNG\r\n\x1a\n")
    assert said.code == 15 and said.out == ""
    assert said.err == (
        "error: stdin is an image, and images are left for later: no model here can see\n"
    )
