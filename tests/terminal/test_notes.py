"""Remarks are broken between words, and tables keep their columns."""

from hypothesis import given
from hypothesis import strategies as st

from runner.cli.terminal.markdown.rows import columns
from runner.cli.terminal.notes import note


def test_a_line_is_broken_between_words() -> None:
    assert note("one two three", 8, colour=False) == "one two\nthree\n"
    assert note("", 8, colour=False) == "\n"


def test_the_last_column_of_a_table_is_broken_in_itself() -> None:
    table = "/help  what can be typed\n/bye   leave"
    assert note(table, 20, colour=False) == "/help  what can be\n       typed\n/bye   leave\n"


def test_a_remark_is_dim_and_free_of_control_sequences() -> None:
    assert note("a\x1b[31mb", 20, colour=True) == "\x1b[2mab\x1b[0m\n"


@given(st.text("ab   \n日é", max_size=80), st.integers(4, 30))
def test_no_row_is_wider_than_the_terminal_and_no_word_is_lost(text: str, width: int) -> None:
    rows = note(text, width, colour=False)
    assert all(columns(row) <= width for row in rows.split("\n"))
    assert "".join(rows.split()) == "".join(text.split())
