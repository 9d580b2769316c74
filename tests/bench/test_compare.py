"""Comparisons of records that are made up: each verdict, what is refused, and when it is enough."""

from collections.abc import Sequence
from dataclasses import replace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.compare import compare, decided, differences
from runner.bench.metrics import primary
from runner.bench.record import Item, Record, TaskResult
from runner.bench.verdicts import Looks, holm, least_made, share_made
from runner.errors import ConfigurationError
from tests.bench.compared import MACHINE, TOOL, method, record, speed, task

DRAW = numpy.random.default_rng(3)
BASE = (100 * numpy.exp(DRAW.normal(0, 0.1, 30))).tolist()


def slower_by(share: float, noise: float = 0.005) -> list[float]:
    """The same blocks, by so much slower."""
    jitter = numpy.exp(numpy.random.default_rng(5).normal(0, noise, len(BASE)))
    return [rate * (1 - share) * j for rate, j in zip(BASE, jitter, strict=True)]


def two(share: float, noise: float = 0.005) -> tuple[Record, Record]:
    return record({"tg16": BASE}), record({"tg16": slower_by(share, noise)}, id="b")


@pytest.mark.parametrize(
    ("share", "noise", "verdict"),
    [
        (0.05, 0.005, "slower"),
        (-0.05, 0.005, "faster"),
        (0.0, 0.005, "equivalent"),
        (0.005, 0.001, "equivalent"),  # a difference, and too small to matter
        (0.0, 0.1, "undecided"),
    ],
)
def test_each_verdict(share: float, noise: float, verdict: str) -> None:
    found = compare(*two(share, noise))
    (test,) = found.tests
    assert test.verdict == verdict and test.paired and test.blocks == len(BASE)
    assert test.interval is not None and test.interval[0] <= test.ratio <= test.interval[1]
    assert (test.more_blocks is not None) == (verdict == "undecided")


def test_which_is_called_the_first_does_not_matter() -> None:
    a, b = two(0.05)
    one, other = compare(a, b).tests[0], compare(b, a).tests[0]
    assert one.ratio == pytest.approx(1 / other.ratio)
    assert one.p == pytest.approx(other.p)


def test_records_of_two_runs_are_not_paired() -> None:
    a, b = two(0.03)
    (test,) = compare(a, replace(b, run="another")).tests
    # The blocks vary by 10 %, which pairs do not see and two sets do.
    assert not test.paired and test.verdict == "undecided"


def test_several_tests_are_corrected() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    a = record({"tg16": BASE, "tg32": BASE}, {"chat": [True] * 9})
    b = record({"tg16": slower_by(0.05), "tg32": BASE}, {"chat": [True] * 9}, id="b")
    found = compare(a, b)
    assert found.tests[0].p_corrected == pytest.approx(3 * found.tests[0].p)


def test_looking_all_along_asks_for_more() -> None:
    a, b = two(0.004, 0.01)
    looked = method(looked=True, stopped="confident", seconds=15.0)
    once, often = compare(a, b), compare(replace(a, method=looked), b)
    assert often.looked == 0.25 and once.looked is None
    assert often.tests[0].p > once.tests[0].p
    assert (often.tests[0].interval or (1,))[0] < (once.tests[0].interval or (0,))[0]


def test_a_run_that_could_stop_pays_for_looking_beside_another_run_too() -> None:
    a, b = two(0.05)
    other = replace(b, run="another")
    assert compare(a, other).looked is None
    looked = method(looked=True, stopped="confident", seconds=15.0)
    for first, second in ((replace(a, method=looked), other), (a, replace(other, method=looked))):
        found = compare(first, second)
        assert found.looked == 0.25
        assert found.tests[0].p > compare(a, other).tests[0].p
    longer = replace(looked, seconds=30.0)
    assert least_made((looked, longer, None)) == 0.25


def test_what_is_decided() -> None:
    assert decided(two(0.05))
    assert not decided(two(0.0, 0.1))
    assert not decided((two(0.0)[0], record({}, id="b")))


def test_moments_to_look() -> None:
    looks = Looks(80.0)
    assert [looks.due(at) for at in (9.9, 10.1, 11.0, 19.9, 20.0)] == [
        False, True, False, False, True,
    ]  # fmt: skip
    # A block that lasts over several moments is followed by one look.
    assert [looks.due(at) for at in (45.0, 49.0)] == [True, False]
    half = method(looked=True, stopped="", seconds=30.0)
    assert share_made(replace(half, stopped="time")) == 1.0
    assert share_made(replace(half, time_budget=0.0)) == 1 / 8


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (record({"tg16": BASE}, machine=replace(MACHINE, id="m2")), "machines differ"),
        (record({"tg16": BASE}, tool=replace(TOOL, llama_cpp_python="0.4")), "versions"),
        (record({"tg16": BASE}, tool=replace(TOOL, build="CUDA")), "built differently"),
    ],
)
def test_what_differs_is_refused_or_said(other: Record, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        compare(record({"tg16": BASE}), other)
    assert any(words in one for one in compare(record({"tg16": BASE}), other, across=True).remarks)


def test_other_work_of_the_same_name_is_refused() -> None:
    a, b = two(0.0)
    other = replace(b, tests=(replace(b.tests[0], workload_sha256="1" * 64),))
    assert "not the same work" in differences(a, other)[0]
    judged = replace(a, tasks=(task("chat", [True]),))
    changed = replace(a, tasks=(replace(judged.tasks[0], normaliser="per_token"),))
    assert "or to judge answers" in differences(judged, changed)[0]


def test_battery_and_mains_are_not_alike() -> None:
    def on(battery: bool) -> Record:
        test = speed("tg16", BASE)
        samples = [
            replace(one, conditions=replace(one.conditions, on_battery=battery))
            for one in test.samples
        ]
        whole = record({}, run=str(battery))
        return replace(whole, tests=(replace(test, samples=tuple(samples)),))

    assert "battery" in differences(on(True), on(False))[0]
    assert not differences(on(True), on(True))


def test_refused_figures_are_left_out() -> None:
    a, b = two(0.0)
    void = replace(b, tests=(replace(b.tests[0], flags=("CACHED",)),))
    with pytest.raises(ConfigurationError, match="CACHED"):
        compare(a, void)
    with pytest.raises(ConfigurationError, match="no test or task in common"):
        compare(a, record({}, id="b"))


def test_what_only_one_has_is_told() -> None:
    a = record({"tg16": BASE, "pp8": BASE}, {"t": [True] * 9})
    b = record({"tg16": BASE, "tg32": BASE}, id="b")
    other = replace(task("t", []), items=(Item("other", correct=True),))
    assert compare(a, b).remarks == (
        "left out, because only the first has it: pp8, t",
        "left out, because only the second has it: tg32",
    )
    assert "t is left out: no item" in compare(a, replace(b, tasks=(other,))).remarks[-1]


def test_flips_of_answers() -> None:
    before = [True] * 60 + [False] * 40
    after = [True] * 45 + [False] * 15 + [False] * 38 + [True] * 2
    (found,) = compare(record({}, {"t": before}), record({}, {"t": after}, id="b")).tasks
    assert (found.lost, found.gained, found.items) == (15, 2, 100)
    assert found.difference == pytest.approx(-0.13)
    assert found.p == pytest.approx(2 * (1 + 17 + 136) / 2**17)
    assert found.verdict == "worse"
    assert found.interval is not None and found.interval[0] < -0.13 < found.interval[1] < 0


def test_equal_answers_are_equivalent_only_where_there_are_many() -> None:
    for count, verdict in ((20, "undecided"), (1000, "equivalent")):
        answers = {"t": [True, False] * (count // 2)}
        (found,) = compare(record({}, answers), record({}, answers, id="b")).tasks
        assert found.verdict == verdict and found.p == 1


def test_scores_are_compared_where_nothing_is_right_or_wrong() -> None:
    def scored(by: float) -> TaskResult:
        items = tuple(Item(str(n), score=value / 50 + by) for n, value in enumerate(BASE))
        return replace(task("wiki", []), kind="perplexity", items=items)

    a, b = (replace(record({}, id=id), tasks=(scored(by),)) for id, by in (("a", 0), ("b", 0.1)))
    (found,) = compare(a, b).tasks
    assert (found.metric, found.verdict) == ("score", "worse")
    assert found.difference == pytest.approx(0.1)


def scored(id: str, scores: Sequence[float]) -> Record:
    items = tuple(Item(str(number), score=score) for number, score in enumerate(scores))
    return replace(record({}, id=id), tasks=(replace(task("wiki", []), items=items),))


def test_shares_of_several_samples_are_not_judged_by_how_many_changed() -> None:
    """Most questions lost one sample of four, and a few gained all: the mean rose a little."""
    before = [[True] * 4] * 14 + [[False] * 4] * 4 + [[True] * 4] * 22
    after = [[True] * 3 + [False]] * 14 + [[True] * 4] * 4 + [[True] * 4] * 22

    def answered(id: str, questions: list[list[bool]]) -> Record:
        items = tuple(
            Item(str(number), correct=right)
            for number, one in enumerate(questions)
            for right in one
        )
        return replace(record({}, id=id), tasks=(replace(task("t", []), items=items),))

    (found,) = compare(answered("a", before), answered("b", after)).tasks
    assert (found.lost, found.gained) == (14, 4) and found.difference > 0
    assert found.p > 0.5 and found.verdict == "undecided"


def test_few_equal_answers_are_not_called_equivalent() -> None:
    for count, verdict in ((180, "undecided"), (200, "equivalent")):
        a, b = (record({}, {"t": [True] * count}, id=id) for id in "ab")
        assert compare(a, b).tasks[0].verdict == verdict


def test_texts_that_were_read_otherwise_are_not_compared_silently() -> None:
    a, b = scored("a", [1.0] * 9), scored("b", [2.0] * 9)
    for changes in (
        {"facts": {"window": 2048}}, {"facts": {"rules": {"numeric": "another"}}},
        {"kind": "divergence"}, {"facts": {"reference": "other"}},
    ):  # fmt: skip
        other = replace(b, tasks=(replace(b.tasks[0], **changes),))
        with pytest.raises(ConfigurationError, match="another way to ask"):
            compare(a, other)
        assert compare(a, other, across=True).remarks


def test_different_figures_of_a_test_are_left_out() -> None:
    """What another program measured of a whole reply is no rate of its decode."""
    a = record({"pp16+tg16": BASE})
    b = record({"pp16+tg16": BASE}, id="b")
    whole = tuple(replace(sample, decode_seconds=0.0) for sample in a.tests[0].samples)
    of_another = replace(a.tests[0], kind="reply", samples=whole)
    assert primary(of_another) != primary(b.tests[0])
    a = replace(a, tests=(of_another,))
    with pytest.raises(ConfigurationError, match=r"tg16 is left out: one has its"):
        compare(a, b)


def test_a_mean_is_not_judged_by_ranks_that_point_the_other_way() -> None:
    """Of less is better: most items became a little better, and two so bad that the mean rose."""
    changed = [-0.1] * 18 + [5.0] * 2
    (found,) = compare(scored("a", [0.0] * 20), scored("b", changed)).tasks
    assert found.difference > 0 and (found.lost, found.gained) == (18, 2)
    assert found.verdict == "undecided" and found.p > 0.2


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=40))
def test_a_score_has_a_verdict_where_its_interval_leaves_0_out(changes: list[float]) -> None:
    (found,) = compare(scored("a", [0.0] * len(changes)), scored("b", changes)).tasks
    assert found.interval is not None
    low, high = found.interval
    near = abs(found.p - 0.05) < 0.005  # quantiles have three digits
    assert near or (found.verdict == "undecided") == (low <= 0 <= high)
    assert found.verdict in ("undecided", "worse" if found.difference > 0 else "better")
