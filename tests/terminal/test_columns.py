"""Texts next to each other: no row wider than the terminal, no word lost."""

import re

from hypothesis import given
from hypothesis import strategies as st
from wcwidth import width as width_of

from runner.cli.terminal.columns import STYLE, columns

WORDS = st.lists(
    st.sampled_from(["one", "two", "größer", "日本語", "👩‍👩‍👧", "`code`"]), max_size=30
)


@given(WORDS, WORDS, st.integers(20, 120))
def test_no_row_is_wider_and_no_word_is_lost(left: list[str], right: list[str], width: int) -> None:
    shown = columns([("a title", " ".join(left)), ("another", " ".join(right))], width)
    plain = STYLE.sub("", shown)
    assert "\x1b" not in plain
    assert all(width_of(row) <= width for row in plain.split("\n"))
    for word in {"one", "two", "größer", "code"}:
        wanted = sum(word in one for one in (*left, *right))
        assert len(re.findall(word, plain)) == wanted


def test_two_columns_and_a_narrow_terminal() -> None:
    texts = [("tiny", "Your name is Anna."), ("other", "Tom.")]
    wide = columns(texts, 70, colour=False).splitlines()
    assert wide[0].split("│")[0].strip() == "tiny"
    assert [cell.strip() for cell in wide[2].split("│")] == ["Your name is Anna.", "Tom."]
    narrow = columns(texts, 40, colour=False)
    assert "│" not in narrow
    assert narrow.index("Anna") < narrow.index("other") < narrow.index("Tom.")
    assert "\x1b" not in columns([("\x1b]0;title\x07", "\x1b[31mred")], 70, colour=False)
