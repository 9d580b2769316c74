"""A text in parts: none of it lost, none of them too long, cut where a reader would."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from runner.chat.splitting import split


@given(st.text("a.\n ?é。", max_size=300), st.integers(1, 40))
@example("word " * 100, 7)
@example("x" * 100, 7)
def test_all_of_it_and_no_part_too_long(text: str, size: int) -> None:
    parts = split(text, size, len)
    assert "".join(parts) == text
    assert all(0 < len(part) <= size for part in parts)


@given(st.lists(st.integers(1, 18), max_size=30), st.integers(20, 60))
def test_paragraphs_stay_whole_where_they_fit(lengths: list[int], size: int) -> None:
    """And no part has room for the paragraph that the next begins with."""
    paragraphs = ["a" * length for length in lengths]
    parts = split("\n\n".join(paragraphs), size, len)
    assert [one for part in parts for one in part.split("\n\n") if one] == paragraphs
    for part, following in pairwise(parts):
        first = following.split("\n\n")[0]
        assert len(part) + len(first) + 2 * (following != first) > size


def test_borders_in_turn() -> None:
    assert split("One. Two.\nThree.\n\nFour.", 12, len) == ["One. Two.\n", "Three.\n\n", "Four."]
    assert split("One. Two is long.", 8, len) == ["One. ", "Two is ", "long."]
    assert split("Unbroken", 3, len) == ["Un", "br", "ok", "en"]
    assert split("一。二。三", 2, len) == ["一。", "二。", "三"]
    assert split("", 8, len) == []
