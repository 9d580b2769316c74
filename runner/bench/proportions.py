"""Shares of right answers: how sure they are, and whether two models differ in them."""

import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist

from runner.bench.record import Item, Summary
from runner.bench.statistics import CONFIDENCE, RESAMPLES, SEED, student


def wilson(right: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of a share, given how many of how many (E. B. Wilson, 1927): between 0 and 1,
    and of some width also where all or none are right. Raises ValueError for n = 0."""
    if n <= 0:
        raise ValueError("no answers to take a share of")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    # What rounding leaves where the bound is exact.
    return (0.0 if right == 0 else max(0.0, low)), (1.0 if right == n else min(1.0, high))


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of "both are as often right", given how many questions only the
    one and only the other answered rightly: each such flip is a coin's (Q. McNemar, 1947)."""
    flips, fewer = only_first + only_second, min(only_first, only_second)
    ways = sum(math.comb(flips, count) for count in range(fewer + 1))
    return min(1.0, 2 * ways / (1 << flips))  # of whole numbers, which floats do not hold


def flips_interval(
    lost: int, gained: int, items: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The score interval of a difference of two shares of the same items, of which so many flipped
    to wrong and to right (T. Tango, Statistics in Medicine 17, 1998). It has a width where nothing
    flipped, and covers what it says also where the few flips are all alike. Raises ValueError
    without items."""
    if items <= 0:
        raise ValueError("no answers to take a share of")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    high = _bound(lost, gained, items, z)
    return -_bound(gained, lost, items, z), high


def _bound(lost: int, gained: int, items: int, z: float) -> float:
    """The greatest difference that the score test does not reject, by bisection."""
    low, high = (gained - lost) / items, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        # The likeliest share of items that flip to wrong, were this the difference.
        b = (2 * items - gained + lost) * middle - gained - lost
        root = math.sqrt(max(0.0, b * b + 8 * items * lost * middle * (1 - middle)))
        wrong = (root - b) / (4 * items)
        deviation = math.sqrt(max(0.0, items * (2 * wrong + middle * (1 - middle))))
        within = items * middle - (gained - lost) <= z * deviation
        low, high = (middle, high) if within else (low, middle)
    return high


def pass_at_1(
    answers: Sequence[tuple[int, int]], confidence: float = CONFIDENCE
) -> tuple[float, tuple[float, float]]:
    """The share of right answers and its interval, given for each question how many of its samples
    were right; raises ValueError without any.

    Samples of one question are alike, so questions count: Wilson's interval for as many independent
    answers as would vary as the questions' shares do, at least one and at most all samples of each
    (design effect; L. Kish, Survey Sampling, 1965). What few questions do not show counts as one
    more, whose samples are all alike: so one question is one answer, and many with equal shares
    are as many as their samples. A bootstrap over questions would say the same of many questions,
    but is too narrow for few, and has no width where all are right.
    """
    shares = [right / count for right, count in answers if count]
    if not shares:
        raise ValueError("no answers to take a share of")
    share, questions = statistics.fmean(shares), len(shares)
    alike = share * (1 - share)  # the variance of shares, were each question's samples all alike
    variance = (statistics.pvariance(shares) * questions + alike) / questions
    independent = questions * alike / variance if variance > 0 else float(questions)
    samples = sum(count for _, count in answers)
    independent = min(max(independent, questions), samples)
    return share, wilson(share * independent, independent, confidence)


def accuracy(items: Sequence[Item], metric: str = "accuracy") -> Summary:
    """The share of right answers among those that can be right or wrong, samples of a question
    together; raises ValueError without any."""
    judged = [item for item in items if item.correct is not None]
    questions: dict[str, list[bool]] = {}
    for item in judged:
        questions.setdefault(item.id, []).append(bool(item.correct))
    share, interval = pass_at_1([(sum(right), len(right)) for right in questions.values()])
    return Summary(
        metric=metric,
        unit="share",
        formula="right answers / answers, Wilson's interval over questions",
        median=share,
        interval=interval,
        blocks=len(questions),
        samples=len(judged),
    )


def mean_summary(metric: str, unit: str, formula: str, values: Sequence[float]) -> Summary:
    """The mean of independent values (in the field `median`) with its interval, None under two:
    bootstrap percentiles, taken as far out as Student's interval is wider than the normal one; from
    `RESAMPLES` values on, the normal interval itself. Raises ValueError without values."""
    if not values:
        raise ValueError(f"no values of {metric}")
    return Summary(
        metric=metric,
        unit=unit,
        formula=formula,
        median=statistics.fmean(values),
        interval=_mean_interval(values) if len(values) > 1 else None,
        blocks=len(values),
        samples=len(values),
    )


def _mean_interval(values: Sequence[float]) -> tuple[float, float]:
    import numpy

    count, ordered = len(values), numpy.sort(numpy.asarray(values, dtype=float))
    if count >= RESAMPLES:
        half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * ordered.std(ddof=1) / math.sqrt(count)
        return float(ordered.mean() - half), float(ordered.mean() + half)
    drawn = numpy.random.default_rng(SEED).integers(0, count, (RESAMPLES, count))
    outer = student((1 + CONFIDENCE) / 2, count - 1) * math.sqrt(count / (count - 1))
    tail = NormalDist().cdf(-outer)
    low, high = numpy.quantile(ordered[drawn].mean(axis=1), (tail, 1 - tail))
    return float(low), float(high)
