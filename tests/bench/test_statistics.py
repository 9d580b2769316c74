"""Statistics of blocks: their properties, known answers, and how often the interval is right."""

import math
import random

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bench.record import Summary
from runner.bench.statistics import (
    LEAST_BLOCKS,
    beyond_student,
    median_interval,
    noise,
    outlying,
    relative_width,
    student,
    summarize,
)

rates = st.floats(min_value=1e-3, max_value=1e6)
blocks = st.lists(st.tuples(st.integers(0, 12), rates), min_size=1, max_size=30)


def summary(values: list[tuple[int, float]]) -> Summary:
    return summarize("decode_rate", "tokens/s", "", values)


@given(blocks, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_values_does_not_matter(
    values: list[tuple[int, float]], draw: random.Random
) -> None:
    shuffled = values.copy()
    draw.shuffle(shuffled)
    assert summary(shuffled) == summary(values)


@given(st.lists(rates, min_size=LEAST_BLOCKS, max_size=20), st.sampled_from([0.25, 1024.0]))
@settings(max_examples=25)
def test_another_unit_scales_all_of_it(values: list[float], factor: float) -> None:
    one = summary(list(enumerate(values)))
    other = summary([(block, value * factor) for block, value in enumerate(values)])
    assert one.interval is not None and other.interval is not None
    assert other.median == one.median * factor
    assert other.interval == pytest.approx([end * factor for end in one.interval])
    assert min(values) <= one.interval[0] <= one.median <= one.interval[1] <= max(values)


def test_blocks_count_and_not_runs() -> None:
    found = summary([(0, 1.0), (0, 3.0), (1, 10.0), (1, 10.0), (1, 10.0), (2, 11.0)])
    assert (found.median, found.blocks, found.samples) == (10.0, 3, 6)
    assert found.interval is None and relative_width(found) == math.inf


def test_no_values_are_an_error() -> None:
    with pytest.raises(ValueError, match="decode_rate"):
        summary([])


@pytest.mark.parametrize("count", [6, 9, 20])
def test_the_interval_holds_the_median_as_often_as_told(count: int) -> None:
    draw = numpy.random.default_rng(count)
    hits = 0
    for _ in range(400):
        low, high = median_interval(numpy.exp(draw.normal(size=count)).tolist())
        hits += low <= 1 <= high
    assert hits / 400 > 0.92  # 0.95 but for chance


@pytest.mark.parametrize(
    ("freedom", "expected"), [(4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042)]
)
def test_students_quantiles(freedom: int, expected: float) -> None:
    assert student(0.975, freedom) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [(12.7062, 1, 0.05), (1.0, 1, 0.5), (4.30265, 2, 0.05), (9.92484, 2, 0.01), (3.18245, 3, 0.05),
     (2.77645, 4, 0.05), (2.57058, 5, 0.05), (3.16927, 10, 0.01), (2.04227, 30, 0.05),
     (1.96234, 1000, 0.05), (0.0, 7, 1.0), (1e9, 9, 0.0)],
)  # fmt: skip
def test_students_tails(t: float, freedom: int, p: float) -> None:
    assert beyond_student(t, freedom) == pytest.approx(p, abs=2e-6)
    assert beyond_student(-t, freedom) == beyond_student(t, freedom)


def test_outliers_are_told_and_stay() -> None:
    values = [10.0, 10.1, 9.9, 10.05, 9.95, 10.0, 5.0]
    assert outlying(values) == [False] * 6 + [True]
    assert summary(list(enumerate(values))).outliers == 1
    assert outlying([1.0] * 5 + [2.0]) == [False] * 5 + [True]
    assert outlying([1.0] * 5) == [False] * 5
    assert outlying([]) == []


def test_noise_is_the_shift_between_equal_arms() -> None:
    first = [(block, 100.0 + block) for block in range(8)]
    found = noise("tg16", first, [(block, 1.01 * rate) for block, rate in first])
    assert found.shift == pytest.approx(0.01)
    assert found.interval == pytest.approx((0.01, 0.01))
    assert found.blocks == 8
    with pytest.raises(ValueError, match="common"):
        noise("tg16", [(0, 1.0)], [(1, 1.0)])
