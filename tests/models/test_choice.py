"""Which quantization is taken where nobody named one, by memory and by speed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalog import load_catalog
from runner.errors import DoesNotFit
from runner.fit import Wishes, shape_plan
from runner.fit.here import Here
from runner.fit.speed import Speed
from runner.models.choice import CUSTOMARY, QUALITY, READING_SPEED, best
from runner.models.fit import Fit

GB = 10**9
SIZES = {
    "Q2_K": 3.0, "Q3_K_M": 3.8, "Q4_0": 4.4, "Q4_K_M": 4.7, "Q6_K": 6.3, "Q8_0": 8.1, "F16": 15.2
}  # fmt: skip
"""Gigabytes of a model of 7 billion parameters."""


def offered(free_gb: float, speeds: dict[str, float] | None = None) -> list[Fit]:
    entry = load_catalog().find("deepseek-r1-distill-qwen:7b")
    assert entry is not None
    fits = []
    for name, size in SIZES.items():
        one = replace(entry.quantization("Q4_K_M"), name=name, bytes=int(size * GB))
        plan = shape_plan(entry, one, Wishes(), Here(int(free_gb * GB)))
        decode = (speeds or {}).get(name)
        speed = Speed(100.0, decode) if decode is not None else None
        fits.append(Fit(entry.name, name, one.bytes, plan, speed=speed))
    return fits


def test_with_room_it_is_the_best_and_not_the_largest() -> None:
    assert best(offered(64)).fit.quantization == "Q8_0"


def test_with_less_room_it_is_a_smaller_one() -> None:
    taken = [best(offered(free)).fit.quantization for free in (14, 10, 8)]
    assert taken[0] in ("Q8_0", "Q6_K")
    ranks = [QUALITY.index(str(name)) for name in taken]
    assert ranks == sorted(ranks)


def test_a_slow_machine_gets_the_best_that_is_read_as_it_comes() -> None:
    speeds = {name: 60 / size for name, size in SIZES.items()}
    assert speeds["Q6_K"] > READING_SPEED > speeds["Q8_0"]
    assert best(offered(64, speeds)).fit.quantization == "Q6_K"


def test_where_all_are_slow_it_is_the_customary_one() -> None:
    choice = best(offered(64, dict.fromkeys(SIZES, 1.0)))
    assert choice.fit.quantization == "Q4_K_M"
    assert "slower" in choice.why


def test_where_none_fits_it_says_what_is_missing() -> None:
    with pytest.raises(DoesNotFit, match="short by") as error:
        best(offered(1))
    assert "--force" in error.value.remedy


def test_where_nothing_is_known_it_is_the_customary_one() -> None:
    unknown = [replace(fit, plan=None) for fit in offered(64)]
    assert best(unknown).fit.quantization == "Q4_K_M"


def test_quality_is_given_up_only_to_fit_at_all() -> None:
    """Not for speed, nor for a longer context."""
    speeds = dict.fromkeys(SIZES, 7.5) | {"Q3_K_M": 9.0, "Q2_K": 11.0}
    assert best(offered(64, speeds)).fit.quantization == "Q4_K_M"
    for free in (9, 8, 7, 6):
        fits = offered(free)
        good = [one for one in fits if one.verdict and one.verdict.fits][-1]
        if _place(good.quantization) <= CUSTOMARY:
            assert _place(best(fits).fit.quantization) <= CUSTOMARY


def test_mixtures_of_other_names_count_as_what_they_are() -> None:
    fits = offered(64)
    names = ("IQ1_S", "Q2_K", "UD-Q3_K_M", "IQ2_XXS", "Q6_K_XL", "UD-Q5_K_M", "made-up")
    named = [replace(fit, quantization=name) for fit, name in zip(fits, names, strict=True)]
    assert best(named).fit.quantization == "Q6_K_XL"
    last = [one for one in named if one.quantization in ("IQ1_S", "IQ2_XXS")]
    assert best(last).fit.quantization == "IQ2_XXS"


def test_force_takes_one_that_does_not_fit() -> None:
    assert best(offered(1), force=True).fit.quantization == "Q4_K_M"


def _place(name: str | None) -> int:
    return QUALITY.index(str(name))


@given(st.floats(2, 80), st.floats(2, 80))
def test_more_memory_never_gives_a_worse_one(one: float, other: float) -> None:
    worth = []
    for free in sorted((one, other)):
        try:
            choice = best(offered(free))
        except DoesNotFit:
            worth.append((3, 0))
            continue
        assert choice.fit.verdict is not None and choice.fit.verdict.fits
        place = _place(choice.fit.quantization)
        well = choice.fit.verdict.kind == "well"
        # Among those that only just fit, the smallest good one is taken, however many there are.
        worth.append((0, place) if well and place <= CUSTOMARY else (1 + (place > CUSTOMARY), 0))
    assert worth[1] <= worth[0]
