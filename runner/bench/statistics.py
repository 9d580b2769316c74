"""What a handful of samples says: where its middle lies, and how far it can be trusted."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Statistics:
    """A summary of samples, in their unit.

    `standard_deviation` is the sample one (n − 1), None for a single sample. `interval` holds the
    true median with a confidence of 95 %; None where there are too few samples to say so.
    """

    count: int
    median: float
    mean: float
    standard_deviation: float | None
    minimum: float
    maximum: float
    interval: tuple[float, float] | None

    @property
    def variation(self) -> float:
        """The standard deviation as a share of the mean; 0 where there is none."""
        return (self.standard_deviation or 0.0) / self.mean if self.mean else 0.0


def summarize(samples: Sequence[float]) -> Statistics:
    """The statistics of at least one sample; raises ValueError for none."""
    if not samples:
        raise ValueError("no samples to summarize")
    return Statistics(
        count=len(samples),
        median=statistics.median(samples),
        mean=statistics.mean(samples),
        standard_deviation=statistics.stdev(samples) if len(samples) > 1 else None,
        minimum=min(samples),
        maximum=max(samples),
        interval=median_interval(samples),
    )


def median_interval(
    samples: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The narrowest pair of samples, equally far from both ends, that encloses the true median
    with at least that confidence; None where not even the outermost do (fewer than 6 for 95 %).

    It assumes nothing about how samples are distributed but that they are independent: each lies
    below the median with probability 1/2, so the number below is binomial (the sign test's
    interval; W. J. Conover, Practical Nonparametric Statistics, section 3.2).
    """
    count, ordered = len(samples), sorted(samples)
    # The chance that at most `outside` of the samples lie on one given side of the median.
    best, tail = None, 0.0
    for outside in range(count // 2):
        tail += math.comb(count, outside) / 2**count
        if 1 - 2 * tail < confidence:
            break
        best = ordered[outside], ordered[count - 1 - outside]
    return best
