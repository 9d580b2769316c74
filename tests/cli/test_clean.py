"""Model output on a terminal: what a terminal would obey never gets there, all else does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cli.terminal.clean import Cleaner, Trimmer, clean

OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
UNSEEN = re.compile(
    "[\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\u202a-\u202e\u2066-\u206f\U000e0000-\U000e007f]"
)

# Text rich in what escape sequences are made of.
HOSTILE = st.text(
    st.one_of(
        st.sampled_from(
            "\x1b\x1b\x1b[]PX^_\\\x07\x9b\x9c\x9d\x90\x98\x18\n\t\r;?0319mJK(B# é世\u202e\u200d"
        ),
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
    assert not OBEYED.search(cleaned) and not UNSEEN.search(cleaned)
    assert cleaned == clean(text)


@given(st.text(), st.lists(st.integers(0, 60), max_size=8))
def test_plain_text_is_left_alone(text: str, cuts: list[int]) -> None:
    text = UNSEEN.sub("", OBEYED.sub("", text))
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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # An override would show `exe.txt` of a name that ends in `txt.exe`; Trojan Source, code
        # that a compiler reads otherwise than a person.
        ("report\u202etxt.exe", "reporttxt.exe"),
        ('if a != "user\u202e \u2066// admin\u2069 \u2066"', 'if a != "user // admin "'),
        # A text in tag characters is read by the next model it is pasted to, and by no person.
        ("hello\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065", "hello"),
        ("pay\u200bpal.com\ufeff", "paypal.com"),
    ],
)
def test_what_deceives_is_taken_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "שלום עולם, 123",
        "مرحبا بالعالم",
        "می\u200cخواهم",  # Persian joins these words by a non-joiner
        "\u200fעברית (C++)\u200e",  # marks that keep punctuation on its side
        "👩\u200d👩\u200d👧 ❤\ufe0f",
        "क्\u200dष",
    ],
)
def test_scripts_keep_what_they_are_written_with(text: str) -> None:
    assert clean(text) == text


def test_a_sequence_longer_than_any_is_the_same_however_it_is_cut() -> None:
    text = "\x1b]0;" + "x" * 1500 + "\x07end"
    assert in_pieces(text, [700, 1400]) == clean(text) == "0;" + "x" * 1500 + "end"


def test_what_never_ends_is_not_held_back_for_ever() -> None:
    cleaner = Cleaner()
    cleaner.feed("\x1b]0;")
    assert "".join(cleaner.feed("x" * 10) for _ in range(200)).count("x") >= 900


@given(st.lists(st.text(" \n\tab")))
def test_trimmed_in_pieces_as_in_one(pieces: list[str]) -> None:
    trimmer = Trimmer()
    assert "".join(map(trimmer.feed, pieces)) == "".join(pieces).strip()
