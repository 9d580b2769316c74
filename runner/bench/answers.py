"""Two models' answers to the same questions: who is right more often, and which answers flipped."""

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from runner.bench.proportions import mcnemar
from runner.bench.record import Record, TaskResult
from runner.bench.shift import paired

AnswersVerdict = Literal["better", "worse", "equivalent", "undecided"]

POINTS = 0.02
"""A difference in accuracy up to which two are called equivalent."""


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """A task that both have, by the items that both answered. `metric` is "accuracy" (a share;
    `lost` and `gained` count the questions that the second answers worse and better) or "score"
    (the items' mean, of which less is better); `difference` is second minus first."""

    task: str
    metric: str
    items: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None
    lost: int
    gained: int
    p: float
    p_corrected: float
    verdict: AnswersVerdict

    def judged(self, p_corrected: float, error: float) -> "TaskComparison":
        """With its verdict, once its p-value is corrected for the others'."""
        verdict: AnswersVerdict = "undecided"
        if p_corrected < error:
            good = self.difference > 0 if self.metric == "accuracy" else self.difference < 0
            verdict = "better" if good else "worse"
        elif self.interval is not None and self.metric == "accuracy":
            # Wider than two one-sided tests ask for: the interval that is shown must lie within.
            low, high = self.interval
            verdict = "equivalent" if low >= -POINTS and high <= POINTS else "undecided"
        return replace(self, p_corrected=p_corrected, verdict=verdict)


def compare_tasks(a: Record, b: Record, error: float) -> list[TaskComparison]:
    """The tasks of both, not yet judged."""
    pairs = ((task, b.task(task.name)) for task in a.tasks)
    found = (_compare(task, other, error) for task, other in pairs if other is not None)
    return [one for one in found if one is not None]


def _compare(task: TaskResult, other: TaskResult, error: float) -> TaskComparison | None:
    first, second = _shares(task), _shares(other)
    if first.keys() & second.keys():
        return _comparison(task.name, "accuracy", first, second, error, _flips)
    first, second = _scores(task), _scores(other)
    if first.keys() & second.keys():
        return _comparison(task.name, "score", first, second, error, _signed_ranks)
    return None


def _comparison(
    name: str,
    metric: str,
    first: Mapping[str, float],
    second: Mapping[str, float],
    error: float,
    test: Callable[[list[float]], float],
) -> TaskComparison:
    common = [item for item in first if item in second]
    changes = [second[item] - first[item] for item in common]
    return TaskComparison(
        task=name,
        metric=metric,
        items=len(common),
        first=statistics.fmean(first[item] for item in common),
        second=statistics.fmean(second[item] for item in common),
        difference=statistics.fmean(changes),
        interval=_interval(changes, error, smoothed=metric == "accuracy"),
        lost=sum(change < 0 for change in changes),
        gained=sum(change > 0 for change in changes),
        p=test(changes),
        p_corrected=1.0,
        verdict="undecided",
    )


def _flips(changes: list[float]) -> float:
    """McNemar's test; with several samples a question, of those questions that changed at all."""
    return mcnemar(sum(change < 0 for change in changes), sum(change > 0 for change in changes))


def _signed_ranks(changes: list[float]) -> float:
    shift = paired(changes)
    return min(1.0, 2 * min(shift.above(0.0), shift.below(0.0)))


def _interval(changes: list[float], error: float, *, smoothed: bool) -> tuple[float, float] | None:
    """The normal interval of a mean of pairs. For shares half a flip of each kind is added to two
    more questions, so that it has a width where nothing flipped, and covers what it says
    (A. Agresti, Y. Min, 2005)."""
    count = len(changes)
    if count < 2:
        return None
    total, squares = math.fsum(changes), math.fsum(change * change for change in changes)
    if smoothed:
        count, squares = count + 2, squares + 1
    mean = total / count
    half = -NormalDist().inv_cdf(error / 2) * math.sqrt(max(0.0, squares / count - mean**2) / count)
    return mean - half, mean + half


def _shares(task: TaskResult) -> dict[str, float]:
    """The share of right answers of each question that has any to judge."""
    questions: dict[str, list[bool]] = {}
    for item in task.items:
        if item.correct is not None:
            questions.setdefault(item.id, []).append(item.correct)
    return {question: statistics.fmean(right) for question, right in questions.items()}


def _scores(task: TaskResult) -> dict[str, float]:
    return {item.id: item.score for item in task.items if item.score is not None}
