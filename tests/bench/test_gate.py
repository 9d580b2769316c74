"""What `--fail-if` lets pass, what it does not, and what it cannot tell."""

from dataclasses import replace

import pytest

from runner.bench.compare import compare
from runner.bench.gate import Judged, gates, judge
from runner.bench.record import Item, Record
from runner.errors import ConfigurationError
from tests.bench.compared import record, task
from tests.bench.test_compare import BASE, slower_by, two


def judged(a: Record, b: Record, *wanted: str) -> Judged:
    return judge(compare(a, b), gates(wanted))


def test_what_is_slower_by_so_much_fails() -> None:
    ratio = compare(*two(0.05)).tests[0].ratio
    assert judged(*two(0.05), "slower:3%") == Judged((f"tg16 is {1 - ratio:.1%} slower",))
    assert judged(*two(0.05), "slower:8") == Judged()
    assert judged(*two(-0.05), "slower:3%") == Judged()


def test_answers_that_are_worse_fail() -> None:
    a, b = record({}, {"t": [True] * 30}), record({}, {"t": [False] * 30}, id="b")
    assert judged(a, b, "worse:1%").failed == ("t is 100.0% worse",)
    assert judged(b, a, "worse:1%") == Judged()


def test_a_condition_is_one_of_two() -> None:
    with pytest.raises(ConfigurationError, match="no condition"):
        gates(["quicker:3%"])


def test_what_is_not_ruled_out_is_told() -> None:
    a, b = two(0.0, 0.1)
    (test,) = compare(a, b).tests
    assert test.verdict == "undecided" and test.interval is not None and test.interval[0] < 0.97
    low, high = (end - 1 for end in test.interval)
    assert judged(a, b, "slower:3%") == Judged(
        (),
        (
            "tg16 is not shown to be slower by 3 %, nor is that ruled out: it may be "
            f"{low:+.1%} to {high:+.1%}; about {test.more_blocks} more blocks",
        ),
    )
    assert judged(a, b, "slower:30%") == Judged()


def test_slower_and_perhaps_by_so_much_is_told_too() -> None:
    a, b = two(0.05, 0.005)
    (test,) = compare(a, b).tests
    assert test.interval is not None and test.verdict == "slower"
    between = 100 * (1 - (test.interval[0] + test.ratio) / 2)
    found = judged(a, b, f"slower:{between:.4f}%")
    assert not found.failed and "nor is that ruled out" in found.open[0]


def test_too_few_blocks_rule_nothing_out() -> None:
    a = record({"tg16": BASE[:3]})
    b = record({"tg16": slower_by(0.2)[:3]}, id="b")
    assert "too few blocks" in judged(a, b, "slower:3%").open[0]


def test_few_answers_rule_little_out() -> None:
    a, b = (record({}, {"t": [True, False] * 10}, id=id) for id in "ab")
    (said,) = judged(a, b, "worse:1%").open
    assert said.startswith("t is not shown to be worse by 1 %") and "by 20 items" in said
    assert judged(a, b, "worse:40%") == Judged()


def test_of_a_score_more_is_worse() -> None:
    def scored(by: float) -> Record:
        items = tuple(Item(str(n), score=10 + n % 3 + by * (n % 2)) for n in range(40))
        return replace(record({}), tasks=(replace(task("wiki", []), items=items),))

    failed = judged(scored(0.0), scored(1.0), "worse:1%").failed
    assert failed == ("wiki is 4.6% worse",)  # by 0.5 of 10.975
    assert judged(scored(1.0), scored(0.0), "worse:0%") == Judged()
    for count, words in ((4, "there are too few items"), (6, "by 6 items")):
        few = [
            replace(scored(by).tasks[0], items=scored(by).tasks[0].items[:count])
            for by in (0.0, 1.0)
        ]
        first, second = (replace(record({}), tasks=(one,)) for one in few)
        (said,) = judged(first, second, "worse:5%").open
        assert said.startswith("wiki is not shown to be worse by 5 %") and words in said


@pytest.mark.parametrize(
    ("a", "b", "wanted", "words"),
    [
        (record({}, {"t": [True]}), record({}, {"t": [True]}, id="b"), "slower:3%", "no tests of"),
        (record({"tg16": BASE}), record({"tg16": BASE}, id="b"), "worse:3%", "no tasks in common"),
    ],
)
def test_a_check_that_checks_nothing_does_not_pass(
    a: Record, b: Record, wanted: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        judged(a, b, wanted)


def test_what_was_left_out_was_not_judged() -> None:
    a = record({"tg16": BASE, "pp8": BASE, "pp16": BASE})
    void = replace(a.tests[1], flags=("CACHED",))
    b = replace(a, id="b", tests=(a.tests[0], void))
    assert judged(a, b, "slower:3%", "slower:9%").open == (
        "pp8 is left out: CACHED",
        "left out, because only the first has it: pp16",
    )


def test_refused_tests_are_nothing_to_judge() -> None:
    a = record({"tg16": BASE}, {"t": [True] * 9})
    void = replace(a, id="b", tests=(replace(a.tests[0], flags=("CACHED",)),))
    with pytest.raises(ConfigurationError, match=r"tg16 is left out: CACHED"):
        judged(a, void, "slower:3%")
