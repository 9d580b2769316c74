"""Loading arms anew in mirrored orders."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.arm_process import ArmProcess
from runner.bench.arms import Arm
from runner.bench.bench_model import Loaded
from runner.bench.measure import Wanted, measure
from runner.bench.sessions import MOST, SHARE, Sessions, loading_order
from runner.bench.workloads import synthetic
from runner.models import shipped
from runner.settings import Settings


@given(st.floats(0.001, 1e5), st.floats(0, 1e3))
def test_sessions_come_in_pairs_and_take_their_share_at_most(whole: float, loading: float) -> None:
    count = Sessions(whole, loading).count
    assert count % 2 == 0 and 2 <= count <= MOST
    assert count == 2 or count * loading <= SHARE * whole * (1 + 1e-9)


def test_each_session_begins_once_and_pairs_end_balanced() -> None:
    sessions = Sessions(100.0, 2.4)
    assert sessions.count == 4
    begun, balanced = [], []
    for step in range(101):
        if sessions.balanced(step / 100):
            balanced.append(step)
        if sessions.due(step / 100):
            begun.append(step)
    assert begun == [25, 50, 75]
    # Until the next pair begins, and at the end.
    assert balanced == [50, 100]


@given(st.integers(2, 5), st.integers(0, 9), st.integers(0, 7))
def test_orders_are_mirrored_in_pairs(count: int, seed: int, pair: int) -> None:
    arms = list(range(count))
    first, second = (loading_order(arms, seed, 2 * pair + number) for number in (0, 1))
    assert sorted(first) == arms and second == first[::-1]


def test_orders_are_drawn_by_chance() -> None:
    firsts = Counter(loading_order("ab", seed, 2)[0] for seed in range(1000))
    assert abs(firsts["a"] - 500) < 4 * math.sqrt(250)


def test_two_arms_are_each_loaded_last_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[str]()
    honest = ArmProcess.open

    def load(self: ArmProcess) -> Loaded:
        opened.append(self.arm.name)
        return honest(self)

    monkeypatch.setattr(ArmProcess, "open", load)
    arms = [Arm(name, shipped(), Settings(threads=1)) for name in ("one", "other")]
    wanted = Wanted(most_blocks=2, warm_ups=1, time_budget=math.inf)
    records = measure(arms, synthetic([16], [4]), wanted)
    assert opened == ["one", "other", "other", "one"]
    for record in records:
        assert record.method is not None and record.method.loads == 2
        assert all(len(test.samples) == 4 for test in record.tests)
    opened.clear()
    (alone,) = measure(arms[:1], synthetic([16]), wanted)
    assert alone.method is not None and alone.method.loads == 1
    assert opened == ["one"]
