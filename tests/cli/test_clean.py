"""Model output on a terminal: what a terminal would obey never gets there, all else does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cli.terminal.clean import Cleaner, Trimmer, clean

OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# Text rich in what escape sequences are made of.
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\x1b\x1b\x1b[]PX^_\\\x07\x9b\x9c\x9d\x90\x98\x18\n\t\r;?0319mHJK(B# é世"),
        st.characters(max_codepoint=0xFF),
        st.characters(),
    )
)


def in_pieces(text: str, cuts: list[int]) -> str:
    cleaner, places = Cleaner(), sorted({cut for cut in cuts if cut < len(text)})
    starts, ends = [0, *places], [*places, len(text)]
    fed = [cleaner.feed(text[a:b]) for a, b in zip(starts, ends, strict=True)]
    return "".join(fed) + cleaner.close()


@given(HOSTILE, st.lists(st.integers(0, 60), max_size=8))
def test_nothing_a_terminal_obeys_is_left_however_it_is_cut(text: str, cuts: list[int]) -> None:
    cleaned = in_pieces(text, cuts)
    assert not OBEYED.search(cleaned)
    assert cleaned == clean(text)


@given(st.text(), st.lists(st.integers(0, 60), max_size=8))
def test_plain_text_is_left_alone(text: str, cuts: list[int]) -> None:
    text = OBEYED.sub("", text)
    assert in_pieces(text, cuts) == text


@given(HOSTILE)
def test_every_line_is_kept(text: str) -> None:
    assert clean(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]52;c;cm0gLXJmIC8=\x1b\\text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2;0;0;0\x1b\\image", "image"),
        ("\x9b31mred\x9d0;title\x9ctext", "redtext"),
        ("\x1b(B\x1bcplain", "plain"),
        ("a\rb\x08c\x07d\x7fe\x00f", "abcdef"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x1b]0;never ended\nnext line", "0;never ended\nnext line"),
        ("naïve 世界 🙂 \u2028", "naïve 世界 🙂 \u2028"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_what_never_ends_is_not_held_back_for_ever() -> None:
    cleaner = Cleaner()
    cleaner.feed("\x1b]0;")
    assert "".join(cleaner.feed("x" * 10) for _ in range(200)).count("x") >= 900


@given(st.lists(st.text(" \n\tab")))
def test_trimmed_in_pieces_as_in_one(pieces: list[str]) -> None:
    trimmer = Trimmer()
    assert "".join(map(trimmer.feed, pieces)) == "".join(pieces).strip()
