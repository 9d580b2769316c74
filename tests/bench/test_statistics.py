"""Statistics: their properties, and the interval's coverage counted out one by one."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.statistics import median_interval, summarize

rates = st.floats(min_value=1e-3, max_value=1e6)
samples = st.lists(rates, min_size=1, max_size=40)


@given(samples)
def test_everything_lies_between_the_extremes(values: list[float]) -> None:
    found = summarize(values)
    assert found.count == len(values)
    assert found.minimum == min(values) and found.maximum == max(values)
    assert found.minimum <= found.median <= found.maximum
    assert found.minimum <= found.mean <= found.maximum


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(values: list[float], draw: random.Random) -> None:
    shuffled = values.copy()
    draw.shuffle(shuffled)
    assert summarize(shuffled) == summarize(values)


@given(samples, st.sampled_from([0.25, 2.0, 1024.0]))
def test_another_unit_scales_all_of_it(values: list[float], factor: float) -> None:
    # Powers of two, so that scaling rounds nothing.
    one, other = summarize(values), summarize([value * factor for value in values])
    assert other.median == one.median * factor
    assert other.mean == one.mean * factor
    assert other.variation == pytest.approx(one.variation)
    if one.interval is not None:
        assert other.interval == (one.interval[0] * factor, one.interval[1] * factor)


@given(rates, st.integers(min_value=2, max_value=20))
def test_equal_samples_do_not_vary(value: float, count: int) -> None:
    found = summarize([value] * count)
    assert found.median == found.mean == value
    assert found.standard_deviation == found.variation == 0


def test_known_values() -> None:
    found = summarize([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    assert (found.median, found.mean) == (4.5, 5.0)
    # The squares of the deviations add up to 32; the sample deviation divides by 7.
    assert found.standard_deviation == pytest.approx(math.sqrt(32 / 7))


def test_one_sample_has_no_deviation_and_none_no_statistics() -> None:
    found = summarize([3.0])
    assert found.standard_deviation is None and found.interval is None
    assert found.variation == 0
    with pytest.raises(ValueError):
        summarize([])


@given(st.lists(rates, min_size=6, max_size=40))
def test_the_interval_holds_the_samples_median(values: list[float]) -> None:
    found = summarize(values)
    assert found.interval is not None
    low, high = found.interval
    assert low in values and high in values
    assert low <= found.median <= high


@pytest.mark.parametrize("count", range(1, 6))
def test_too_few_samples_for_95_percent_give_no_interval(count: int) -> None:
    assert median_interval([float(value) for value in range(count)]) is None


@pytest.mark.parametrize("count", range(6, 13))
def test_the_interval_is_the_narrowest_that_covers_95_percent(count: int) -> None:
    interval = median_interval([float(rank) for rank in range(count)])
    assert interval is not None
    first = int(interval[0])
    assert interval == (first, count - 1 - first)
    assert coverage(count, first) >= 0.95
    assert coverage(count, first + 1) < 0.95


def coverage(count: int, first: int) -> float:
    """How often samples number `first` and `count - 1 - first`, in order of size, enclose the
    median, over every way in which samples can lie below or above it."""
    ways = list(itertools.product((True, False), repeat=count))
    enclosing = sum(first < sum(below) <= count - 1 - first for below in ways)
    return enclosing / len(ways)
