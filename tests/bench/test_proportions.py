"""Shares: published figures, and properties."""

import math
import random
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bench.proportions import (
    accuracy,
    flips_interval,
    mcnemar,
    mean_summary,
    pass_at_1,
    wilson,
)
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
    assert mcnemar(5000, 5000) == 1
    assert mcnemar(5000, 5300) == pytest.approx(0.003198, abs=2e-5)  # as the normal one with ½


def test_where_nothing_flipped_a_difference_is_what_none_of_so_many_rules_out() -> None:
    z = NormalDist().inv_cdf(0.975)
    low, high = flips_interval(0, 0, 100)
    assert high == pytest.approx(z * z / (100 + z * z)) and low == pytest.approx(-high)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 60))
@settings(max_examples=60)
def test_a_bound_of_flips_is_where_the_score_test_just_holds(
    lost: int, gained: int, unchanged: int
) -> None:
    items = lost + gained + unchanged
    low, high = flips_interval(lost, gained, items)
    assert -1 <= low <= (gained - lost) / items <= high <= 1
    assert flips_interval(gained, lost, items) == pytest.approx((-high, -low))
    # Of no difference, the score test is McNemar's without its correction.
    flips = lost + gained
    z = (gained - lost) / math.sqrt(flips) if flips else 0.0
    near = abs(abs(z) - 1.95996) < 1e-4
    assert near or (low <= 0 <= high) == (abs(z) < 1.95996)


@pytest.mark.parametrize(("items", "losing"), [(96, 0.02), (187, 0.02), (60, 0.1), (200, 0.3)])
def test_a_difference_of_flips_is_covered_as_often_as_is_said(items: int, losing: float) -> None:
    """All flips go one way, which is where other intervals fail."""
    missed = sum(
        math.comb(items, lost) * losing**lost * (1 - losing) ** (items - lost)
        for lost in range(items + 1)
        if not (lambda found: found[0] <= -losing <= found[1])(flips_interval(lost, 0, items))
    )
    assert missed < 0.06


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


def test_one_question_is_one_answer_and_few_show_little() -> None:
    assert pass_at_1([(5, 10)]) == (0.5, wilson(0.5, 1))
    _, two = pass_at_1([(5, 10)] * 2)
    assert two == pytest.approx(wilson(2, 4)), "not 20 answers"
    _, many = pass_at_1([(5, 10)] * 10)
    assert many == pytest.approx(wilson(50, 100)), "their equal shares show that they are"


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30))
@settings(max_examples=60)
def test_as_many_answers_as_questions_at_least_and_samples_at_most(right: list[int]) -> None:
    share, (low, high) = pass_at_1([(one, 8) for one in right])
    questions = len(right)
    widest, closest = (
        wilson(share * questions, questions),
        wilson(share * questions * 8, questions * 8),
    )
    assert share == pytest.approx(sum(right) / questions / 8)
    assert widest[0] - 1e-9 <= low <= closest[0] + 1e-9
    assert closest[1] - 1e-9 <= high <= widest[1] + 1e-9


@pytest.mark.parametrize("questions", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("alike", [0.0, 0.3, 0.8, 1.0])
def test_the_interval_holds_the_share_of_all_questions(questions: int, alike: float) -> None:
    drawn = random.Random(1)
    held, runs, k = 0, 1000, 8
    for _ in range(runs):
        answers = []
        for _ in range(questions):
            chance = 0.6
            if alike == 1:
                chance = float(drawn.random() < 0.6)
            elif alike:
                spread = 1 / alike - 1
                chance = drawn.betavariate(0.6 * spread, 0.4 * spread)
            answers.append((sum(drawn.random() < chance for _ in range(k)), k))
        low, high = pass_at_1(answers)[1]
        held += low <= 0.6 <= high
    assert held / runs > 0.92


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
