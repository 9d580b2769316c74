"""What a handful of samples says: where its middle lies, and how far it can be trusted."""

import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist

from runner.bench.record import Noise, Summary
from runner.bench.shift import paired

CONFIDENCE = 0.95
LEAST_BLOCKS = 6
"""With fewer, not even the range of the blocks holds the true median with a confidence of 95 %:
five lie all on one side of it once in sixteen times."""

RESAMPLES = 2000
AT_ONCE = 2**21
"""Values of resamples that are in memory together."""

SEED = 20260727

MAD_OF_NORMAL = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation."""

MEAN_DEVIATION_OF_NORMAL = 1.2533
OUTLYING = 3.5
"""Robust standard deviations from the median (B. Iglewicz, D. Hoaglin, How to Detect and Handle
Outliers, 1993)."""


def by_block(values: Sequence[tuple[int, float]]) -> dict[int, float]:
    """The median of each block, in the blocks' order, given (block, value)."""
    blocks: dict[int, list[float]] = {}
    for block, value in values:
        blocks.setdefault(block, []).append(value)
    return {block: statistics.median(blocks[block]) for block in sorted(blocks)}


def summarize(
    metric: str,
    unit: str,
    formula: str,
    values: Sequence[tuple[int, float]],
    *,
    confidence: float = CONFIDENCE,
) -> Summary:
    """The figure that (block, value) pairs give; raises ValueError where there are none.

    Runs of a block share what disturbed it, so blocks count, not runs: the median over the blocks'
    medians, with an interval that a bootstrap over blocks gives; None under `LEAST_BLOCKS`.
    Outliers are counted among the values and stay in.
    """
    if not values:
        raise ValueError(f"no samples of {metric} to summarize")
    medians = list(by_block(values).values())
    return Summary(
        metric=metric,
        unit=unit,
        formula=formula,
        median=statistics.median(medians),
        interval=median_interval(medians, confidence) if len(medians) >= LEAST_BLOCKS else None,
        blocks=len(medians),
        samples=len(values),
        outliers=sum(outlying([value for _, value in values])),
    )


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The bootstrap interval of the median of at least two independent values.

    Percentiles of resampled medians are too narrow for few values; they are taken further out, as
    Student's interval is wider than the normal one (T. Hesterberg, What Teachers Should Know about
    the Bootstrap, 2015, section 5.3). The same values give the same interval.
    """
    import numpy

    count = len(values)
    ordered = numpy.sort(numpy.asarray(values, dtype=float))
    dice, each = numpy.random.default_rng(SEED), max(1, AT_ONCE // count)
    sizes = [min(each, RESAMPLES - done) for done in range(0, RESAMPLES, each)]
    medians = numpy.concatenate([
        numpy.median(ordered[dice.integers(0, count, (size, count))], axis=1) for size in sizes
    ])  # fmt: skip
    outer = student((1 + confidence) / 2, count - 1) * math.sqrt(count / (count - 1))
    tail = NormalDist().cdf(-outer)
    low, high = numpy.quantile(medians, (tail, 1 - tail))
    return float(low), float(high)


def student(probability: float, freedom: int) -> float:
    """The quantile of Student's t, from the normal one (Abramowitz & Stegun 26.7.5): to three
    digits at 95 % from four degrees of freedom on."""
    z = NormalDist().inv_cdf(probability)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / float(freedom) ** power for power, term in enumerate(terms))


def beyond_student(t: float, freedom: int) -> float:
    """How likely Student's t lies at least so far from 0, exactly (Abramowitz & Stegun 26.7.3 and
    26.7.4)."""
    angle = math.atan(abs(t) / math.sqrt(freedom))
    term = total = math.cos(angle) if freedom % 2 else 1.0
    if freedom == 1:
        total = 0.0
    for step in range(2 + freedom % 2, freedom - 1, 2):
        term *= (step - 1) / step * math.cos(angle) ** 2
        total += term
    within = math.sin(angle) * total
    if freedom % 2:
        within = 2 / math.pi * (angle + within)
    return min(1.0, max(0.0, 1.0 - within))


def outlying(values: Sequence[float]) -> list[bool]:
    """Which values lie far from the median of all, by their median absolute deviation; by the mean
    one where more than half of the values are equal."""
    if not values:
        return []
    middle = statistics.median(values)
    away = [abs(value - middle) for value in values]
    spread = MAD_OF_NORMAL * statistics.median(away)
    if spread == 0:
        spread = MEAN_DEVIATION_OF_NORMAL * statistics.fmean(away)
    return [distance > OUTLYING * spread for distance in away]


def relative_width(summary: Summary) -> float:
    """Half the interval's width as a share of the median; infinite where there is no interval."""
    if summary.interval is None or summary.median == 0:
        return math.inf
    low, high = summary.interval
    return (high - low) / 2 / abs(summary.median)


def noise(
    test: str, first: Sequence[tuple[int, float]], second: Sequence[tuple[int, float]]
) -> Noise:
    """What two equal arms differed by, given each one's (block, rate): the shift from the first to
    the second as a share of the rate, by their common blocks. Raises ValueError without any."""
    one, other = by_block(first), by_block(second)
    common = sorted(one.keys() & other.keys())
    if not common:
        raise ValueError(f"no blocks of {test} in common")
    shift = paired([math.log(other[block] / one[block]) for block in common])
    interval = shift.interval(1 - CONFIDENCE)
    return Noise(
        test=test,
        shift=math.expm1(shift.estimate),
        interval=interval and (math.expm1(interval[0]), math.expm1(interval[1])),
        blocks=len(common),
    )
