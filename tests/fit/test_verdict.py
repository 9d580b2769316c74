"""The verdict: what is said of any numbers, and that it never contradicts them."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from runner.fit.verdict import judge

GIB = 2**30
sizes = st.integers(0, 2**38)
lacking = st.integers(-(2**38), 2**38)


def test_the_words() -> None:
    said = partial(judge, free=16 * GIB, short_by=-GIB, short_at_least=-GIB)
    assert said(needed=8 * GIB).words == "fits well"
    assert said(needed=15 * GIB).kind == "tightly"
    assert said(needed=17 * GIB, short_by=GIB).words == "fits with less context"
    partly = said(needed=8 * GIB, offloaded=20, layers=29)
    assert partly.words == "partly on the accelerator"
    assert said(needed=GIB, offloaded=29, layers=29).kind == "well"
    short = int(1.3 * GIB)
    no = said(needed=17 * GIB, short_by=2 * short, short_at_least=short)
    assert no.words == "does not fit, short by 1.3 GiB"
    assert no.short_by == short
    few = said(needed=17 * GIB, short_by=GIB, short_at_least=3 * 2**20)
    assert few.words == "does not fit, short by 3 MiB"


@given(needed=sizes, free=sizes, by=lacking, least=lacking, layers=st.integers(1, 100),
       offloaded=st.integers(0, 100), less=st.booleans())  # fmt: skip
def test_it_never_contradicts_the_numbers(
    needed: int, free: int, by: int, least: int, layers: int, offloaded: int, less: bool
) -> None:
    said = judge(
        needed=needed, free=free, short_by=by, short_at_least=least,
        offloaded=min(offloaded, layers), layers=layers, less_context=less,
    )  # fmt: skip
    assert said.fits == (least <= 0)
    assert said.short_by >= 0
    assert (said.short_by > 0) <= (said.kind in ("no", "less context"))
    if said.kind == "well":
        assert by <= 0
        assert needed <= 0.8 * free
