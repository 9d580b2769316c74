"""Shares: published figures, and properties."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bench.proportions import accuracy, mcnemar, mean_summary, pass_at_1, wilson
from runner.bench.record import Item


def test_wilsons_published_intervals() -> None:
    # R. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@given(st.integers(0, 50), st.integers(1, 50))
@settings(max_examples=40)
def test_wilsons_interval_holds_the_share(right: int, more: int) -> None:
    low, high = wilson(right, right + more)
    assert 0 <= low <= right / (right + more) <= high <= 1
    mirrored = wilson(more, right + more)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_no_answers_are_an_error() -> None:
    for call in (lambda: wilson(0, 0), lambda: pass_at_1([]), lambda: mean_summary("", "", "", [])):
        with pytest.raises(ValueError):
            call()


def test_mcnemar_is_a_coin_for_each_flip() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(0, 5) == mcnemar(5, 0) == 2 / 32
    assert mcnemar(3, 3) == 1
    assert mcnemar(5, 15) == pytest.approx(0.04139, abs=5e-6)


def test_one_sample_a_question_is_wilsons() -> None:
    share, interval = pass_at_1([(1, 1)] * 6 + [(0, 1)] * 4)
    assert share == 0.6
    # The questions' own variance divides by one fewer, which the bound on their number undoes.
    assert interval == pytest.approx(wilson(6, 10))


def test_samples_that_always_agree_are_no_more_than_one() -> None:
    _, one = pass_at_1([(1, 1)] * 6 + [(0, 1)] * 4)
    _, many = pass_at_1([(8, 8)] * 6 + [(0, 8)] * 4)
    assert many == pytest.approx(one)
    _, differing = pass_at_1([(4, 8), (5, 8)] * 5)
    assert differing[1] - differing[0] < one[1] - one[0]
    assert pass_at_1([(4, 4)] * 5) == (1.0, wilson(5, 5))


def test_accuracy_is_of_questions_that_can_be_right() -> None:
    items = [Item("a", True), Item("a", False), Item("b", True), Item("c")]
    found = accuracy([*items])
    assert (found.median, found.blocks, found.samples) == (0.75, 2, 3)


def test_a_mean_and_its_interval() -> None:
    found = mean_summary("nats", "nats", "", [1.0, 2.0, 3.0, 4.0, 5.0] * 8)
    assert found.median == 3 and found.interval is not None
    half = 2.023 * math.sqrt(2 / 39)  # Student's, of values whose mean square deviation is 2
    assert found.interval == pytest.approx((3 - half, 3 + half), abs=0.06)
    many = mean_summary("nats", "nats", "", [0.0, 1.0] * 1500)
    assert many.interval == pytest.approx((0.5 - 0.0179, 0.5 + 0.0179), abs=1e-4)
    assert mean_summary("nats", "nats", "", [1.0]).interval is None
