"""Conditions under which a comparison fails a check: `slower:3%`, `worse:1%`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.bench.answers import TaskComparison
from runner.bench.compare import Comparison, TestComparison
from runner.errors import ConfigurationError

CONDITION = re.compile(r"(slower|worse):(\d+(?:\.\d+)?)\s*%?")


@dataclass(frozen=True, slots=True)
class Gate:
    """`share` is of the rate for "slower", and of all questions (or of the score) for "worse"."""

    kind: Literal["slower", "worse"]
    share: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What failed, and what was neither shown to fail nor ruled out, in words."""

    failed: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


def gates(texts: Sequence[str]) -> list[Gate]:
    """Such as `slower:3%`. Raises ConfigurationError."""
    found = []
    for text in texts:
        match = CONDITION.fullmatch(text.strip().lower())
        if match is None:
            raise ConfigurationError(
                f"--fail-if {text} is no condition", remedy="Such as slower:3% or worse:1%."
            )
        kind: Literal["slower", "worse"] = "slower" if match[1] == "slower" else "worse"
        found.append(Gate(kind, float(match[2]) / 100))
    return found


def judge(comparison: Comparison, wanted: Sequence[Gate]) -> Judged:
    """A difference fails where it is significant, whether or not it is within the margin of
    equivalence, and it is as large as asked, as it was measured: noise alone fails one check in
    twenty at most. It is open where the interval has a difference of that size in it, and what was
    left out of the comparison is.

    Raises ConfigurationError for a condition on what was not compared: a check that checks nothing
    must not pass.
    """
    failed: list[str] = []
    undecided: list[str] = []
    for gate in wanted:
        compared = comparison.tests if gate.kind == "slower" else comparison.tasks
        if not compared:
            raise _nothing(gate, comparison)
        undecided += [line for line in comparison.remarks if "left out" in line]
        for one in compared:
            if isinstance(one, TestComparison):
                _judge_speed(one, gate.share, 1 - comparison.confidence, failed, undecided)
            else:
                _judge_answers(one, gate.share, failed, undecided)
    return Judged(tuple(failed), tuple(dict.fromkeys(undecided)))


def _nothing(gate: Gate, comparison: Comparison) -> ConfigurationError:
    what = "tests of speed" if gate.kind == "slower" else "tasks"
    why = "".join(f"; {one}" for one in comparison.remarks if "left out" in one)
    return ConfigurationError(
        f"--fail-if {gate.kind} has nothing to judge: {comparison.first_name} and "
        f"{comparison.second_name} have no {what} in common{why}",
        remedy="Compare records of `runner bench`."
        if gate.kind == "slower"
        else "Compare records of `runner eval`.",
    )


def _judge_speed(
    test: TestComparison, share: float, error: float, failed: list[str], undecided: list[str]
) -> None:
    if test.p_corrected < error and 1 - test.ratio >= share:
        failed.append(f"{test.test} is {1 - test.ratio:.1%} slower")
    elif test.interval is None:
        undecided.append(f"{_open(test.test, 'slower', share)}: there are too few blocks")
    elif 1 - test.interval[0] >= share:
        low, high = (end - 1 for end in test.interval)
        more = "" if test.more_blocks is None else f"; about {test.more_blocks} more blocks"
        undecided.append(
            f"{_open(test.test, 'slower', share)}: it may be {low:+.1%} to {high:+.1%}{more}"
        )


def _judge_answers(
    task: TaskComparison, share: float, failed: list[str], undecided: list[str]
) -> None:
    """Of an accuracy, less is worse; of a score, more."""
    whole = 1.0 if task.metric == "accuracy" else abs(task.first)
    sign = 1 if task.metric == "accuracy" else -1
    if task.verdict == "worse" and abs(task.difference) >= share * whole:
        lost = abs(task.difference)
        failed.append(f"{task.task} is {lost / whole if whole else lost:.1%} worse")
    elif task.interval is None:
        undecided.append(f"{_open(task.task, 'worse', share)}: there are too few items")
    elif whole:
        low, high = sorted(sign * end / whole for end in task.interval)
        if -low >= share:
            undecided.append(
                f"{_open(task.task, 'worse', share)}: it may be {low:+.1%} to {high:+.1%}, by "
                f"{task.items} items"
            )


def _open(name: str, how: str, share: float) -> str:
    return f"{name} is not shown to be {how} by {100 * share:g} %, nor is that ruled out"
