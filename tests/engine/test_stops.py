"""Stop strings, however the text is cut."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from runner.engine.stops import Stops

letters = st.text("ab\n", max_size=30)
stops = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3)


@given(text=letters, texts=stops, cuts=st.lists(st.integers(0, 30)))
@example(text="a\na", texts=["\n", "a\na"], cuts=[2])
def test_what_passes_is_what_comes_before_the_first_stop(
    text: str, texts: list[str], cuts: list[int]
) -> None:
    ends = [(i + len(one), i) for one in texts if (i := text.find(one)) >= 0]
    at = min(ends)[1] if ends else None
    search = Stops(texts)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    passed = "".join(search.feed(text[a:b]) for a, b in pairwise(places))
    assert passed + search.close() == (text if at is None else text[:at])
    assert search.found == (at is not None)


def test_nothing_is_held_back_that_cannot_begin_a_stop() -> None:
    search = Stops(["\n\n"])
    assert search.feed("one\n") == "one"
    assert search.feed("two") == "\ntwo"
