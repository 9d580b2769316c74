"""The Hodges–Lehmann shift and its tests: published figures, and distributions counted out."""

import itertools
import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bench.shift import (
    LOOKS,
    MOST,
    Shift,
    bound,
    condense,
    paired,
    sequential,
    unpaired,
    upper,
)

# Hollander, Wolfe and Chicken, example 3.1: the Hamilton depression scale before and after.
BEFORE = (1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
AFTER = (0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)
# Their example 4.1: tritium across human membranes at term and before.
TERM = (0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46)
EARLY = (1.15, 0.88, 0.90, 0.74, 1.21)

few = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=12)


def test_the_published_pairs() -> None:
    shift = paired([after - before for before, after in zip(BEFORE, AFTER, strict=True)])
    assert shift.estimate == pytest.approx(-0.46)
    assert shift.below(0) == pytest.approx(0.0195, abs=5e-5)
    low, high = shift.interval(0.04) or (0, 0)  # theirs is of 96 %
    assert (low, high) == pytest.approx((-0.786, -0.010))


def test_the_published_sets() -> None:
    shift = unpaired(TERM, EARLY)
    assert shift.estimate == pytest.approx(-0.305)
    assert shift.below(0) == pytest.approx(0.1272, abs=5e-5)


@pytest.mark.parametrize("count", [1, 3, 6])
def test_signed_ranks_are_what_all_signs_give(count: int) -> None:
    sizes = [2.0**rank for rank in range(count)]
    statistics = []
    for signs in itertools.product((-1, 1), repeat=count):
        shift = paired([sign * size for sign, size in zip(signs, sizes, strict=True)])
        statistics.append((sum(one > 0 for one in shift.differences), shift.above(0)))
    for side, p in statistics:
        expected = sum(other >= side for other, _ in statistics) / len(statistics)
        assert p == pytest.approx(expected)


def test_rank_sums_are_what_all_orders_give() -> None:
    found = []
    for chosen in itertools.combinations(range(7), 3):
        shift = unpaired(chosen, [rank for rank in range(7) if rank not in chosen])
        found.append((sum(one > 0 for one in shift.differences), shift.above(0)))
    for side, p in found:
        assert p == pytest.approx(sum(other >= side for other, _ in found) / len(found))


@given(few, st.floats(-2, 2))
@settings(max_examples=40)
def test_another_zero_moves_all_of_it(values: list[float], by: float) -> None:
    shift, moved = paired(values), paired([value + by for value in values])
    assert moved.estimate == pytest.approx(shift.estimate + by, abs=1e-9)
    turned = paired([-value for value in values])
    assert turned.estimate == pytest.approx(-shift.estimate)
    assert turned.above(0) == pytest.approx(shift.below(0))


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=30, unique=True))
@settings(max_examples=40)
def test_the_interval_is_what_the_tests_do_not_reject(values: list[float]) -> None:
    shift = paired(values)
    interval = shift.interval(0.05)
    assert interval is not None
    low, high = interval
    assert low <= shift.estimate <= high
    width = 1e-9
    assert shift.above(low - width) <= 0.025 and shift.below(high + width) <= 0.025


@pytest.mark.parametrize("count", [1, 5])
def test_too_few_pairs_have_no_interval(count: int) -> None:
    assert paired([0.1 * n for n in range(1, count + 1)]).interval(0.05) is None


def test_many_values_are_as_sure_by_the_normal_distribution() -> None:
    values = numpy.random.default_rng(1).normal(0.01, 0.1, 60)
    exact = paired(values.tolist())
    normal = Shift(exact.differences, 61)
    assert normal.above(0) == pytest.approx(exact.above(0), rel=0.2)


def test_more_than_are_compared_one_by_one_are_averaged() -> None:
    assert condense([1.0, 3.0]) == [1.0, 3.0]
    halves = condense([float(n % 2) for n in range(2 * MOST)])
    assert halves == [0.5] * MOST


def test_who_looks_at_all_moments_is_wrong_as_often_as_told() -> None:
    draw = numpy.random.default_rng(7)
    steps = draw.normal(0, math.sqrt(1 / LOOKS), (100_000, LOOKS))
    paths = numpy.cumsum(steps, axis=1)
    shares = numpy.arange(1, LOOKS + 1) / LOOKS
    for error in (0.05, 0.025, 0.0125):
        bounds = numpy.array([bound(error, share) for share in shares])
        wrong = (paths / numpy.sqrt(shares) >= bounds).any(axis=1).mean()
        # Not more than told but for chance, and not much less, which would waste blocks.
        assert 0.9 * error < wrong < error + 3 * math.sqrt(error / len(paths))


@given(st.floats(1e-4, 0.4), st.floats(0.05, 1))
@settings(max_examples=40)
def test_the_bound_is_where_the_corrected_p_value_is_reached(p: float, looked: float) -> None:
    raw = upper(bound(p, looked))
    if 1e-200 < raw < 0.5:
        assert sequential(raw, looked) == pytest.approx(p, rel=1e-3)
    assert sequential(p, None) == p
    assert p <= sequential(p, looked) <= 1
    assert sequential(1e-15, looked) >= 1e-15
