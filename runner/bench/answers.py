"""Two models' answers to the same questions: who is right more often, and which answers flipped."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from runner.bench.proportions import flips_interval, mcnemar
from runner.bench.record import Record, TaskResult
from runner.bench.statistics import beyond_student, student

AnswersVerdict = Literal["better", "worse", "equivalent", "undecided"]

POINTS = 0.02
"""A difference in accuracy up to which two are called equivalent."""

LEAST_ITEMS = 5
"""Scores of fewer say nothing of how much they vary."""


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
            # Stricter than two one-sided tests: the interval that is shown must lie within.
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
        return _comparison(task.name, "accuracy", first, second, error)
    first, second = _scores(task), _scores(other)
    if first.keys() & second.keys():
        return _comparison(task.name, "score", first, second, error)
    return None


def _comparison(
    name: str,
    metric: str,
    first: Mapping[str, float],
    second: Mapping[str, float],
    error: float,
) -> TaskComparison:
    common = [item for item in first if item in second]
    changes = [second[item] - first[item] for item in common]
    lost, gained = sum(change < 0 for change in changes), sum(change > 0 for change in changes)
    if metric == "accuracy" and all(change in (-1, 0, 1) for change in changes):
        p = mcnemar(lost, gained)
        interval: tuple[float, float] | None = flips_interval(lost, gained, len(common), 1 - error)
    else:
        p, interval = _t_test(changes, error)
    return TaskComparison(
        task=name,
        metric=metric,
        items=len(common),
        first=statistics.fmean(first[item] for item in common),
        second=statistics.fmean(second[item] for item in common),
        difference=statistics.fmean(changes),
        interval=interval,
        lost=lost,
        gained=gained,
        p=p,
        p_corrected=1.0,
        verdict="undecided",
    )


def _t_test(changes: list[float], error: float) -> tuple[float, tuple[float, float] | None]:
    """Student's test of the mean of pairs and its interval (E. Miller, Adding Error Bars to Evals,
    2024, section 4.2), of scores, and of questions with several samples, whose share changes by
    more or less: a count of those that changed could point the other way than their mean."""
    if len(changes) < LEAST_ITEMS:
        return 1.0, None
    mean, deviation = statistics.fmean(changes), statistics.stdev(changes) / len(changes) ** 0.5
    half = student(1 - error / 2, len(changes) - 1) * deviation
    p = beyond_student(mean / deviation, len(changes) - 1) if deviation else float(mean == 0)
    return p, (mean - half, mean + half)


def _shares(task: TaskResult) -> dict[str, float]:
    """The share of right answers of each question that has any to judge."""
    questions: dict[str, list[bool]] = {}
    for item in task.items:
        if item.correct is not None:
            questions.setdefault(item.id, []).append(item.correct)
    return {question: statistics.fmean(right) for question, right in questions.items()}


def _scores(task: TaskResult) -> dict[str, float]:
    return {item.id: item.score for item in task.items if item.score is not None}
