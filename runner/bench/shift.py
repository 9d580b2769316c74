"""By how much two sets of measurements differ: the Hodges–Lehmann shift, and the permutation tests
that belong to it (Wilcoxon's, of signed ranks for pairs and of rank sums without them).

An estimate, a p-value and an interval are three readings of one sorted list of differences, so they
never contradict each other; and none assumes how measurements are distributed. Where the order of a
pair was drawn by chance, as it is within a block, the paired test is right whatever the noise: its
signs are the coin's.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean

MOST = 200
"""Values that are compared one by one; of more, neighbours are averaged first."""

EXACT_PAIRS = 60
EXACT_PRODUCT = 900
"""Up to which sizes probabilities are counted out; a normal distribution is as good beyond."""

LOOKS = 8
BETWEEN_LOOKS = 0.16
"""How much lower than all along Brownian motion stays at that many moments, in its standard
deviation at the end: 0.174 to 0.161 for errors of 5 % to 0.6 %, by numerical integration."""

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Shift:
    """The differences (means of two of them for pairs), sorted; `pairs` counts the pairs, or the
    values of both sides. Tails are of a true shift: how likely so many differences would lie
    above it, or below it."""

    differences: tuple[float, ...]
    first: int
    second: int | None = None

    @property
    def estimate(self) -> float:
        """The Hodges–Lehmann estimate of the shift: the median of the differences."""
        count = len(self.differences)
        return (self.differences[(count - 1) // 2] + self.differences[count // 2]) / 2

    def above(self, at: float) -> float:
        """The p-value of "the shift is at most `at`"; small where it is greater."""
        return self._tail(len(self.differences) - bisect_right(self.differences, at))

    def below(self, at: float) -> float:
        """The p-value of "the shift is at least `at`"; small where it is less."""
        return self._tail(bisect_left(self.differences, at))

    def interval(self, error: float, looked: float | None = None) -> tuple[float, float] | None:
        """The shifts that neither tail rejects at `error` / 2; None where there are too few values
        to reject any. For `looked` see `sequential`."""
        within = upper(bound(error / 2, looked))
        # The p-value falls as more differences lie on one side.
        low, high = 0, len(self.differences)
        while low < high:
            middle = (low + high) // 2
            if self._tail(len(self.differences) - middle) <= within:
                low = middle + 1
            else:
                high = middle
        if low == 0 or low > len(self.differences) // 2 + 1:
            return None
        return self.differences[low - 1], self.differences[-low]

    def _tail(self, side: int) -> float:
        """The probability that at least `side` differences lie on one given side of the shift."""
        total = len(self.differences)
        if side <= 0:
            return 1.0
        if self.second is None:
            if self.first <= EXACT_PAIRS:
                return _signed_ranks(self.first)[side]
            n = self.first
            deviation = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        else:
            if self.first * self.second <= EXACT_PRODUCT:
                return _rank_sums(*sorted((self.first, self.second)))[side]
            deviation = math.sqrt(self.first * self.second * (self.first + self.second + 1) / 12)
        return upper((side - 0.5 - total / 2) / deviation)


def paired(differences: Sequence[float]) -> Shift:
    """The shift of pairs, given second minus first of each; at least one.

    Its list holds Walsh's averages, whose number above 0 is Wilcoxon's signed-rank statistic
    (M. Hollander, D. Wolfe, E. Chicken, Nonparametric Statistical Methods, sections 3.1 to 3.3).
    """
    values = condense(differences)
    averages = sorted(
        (one + other) / 2 for index, one in enumerate(values) for other in values[index:]
    )
    return Shift(tuple(averages), len(values))


def unpaired(first: Sequence[float], second: Sequence[float]) -> Shift:
    """The shift from `first` to `second`, at least one of each, whose order says nothing.

    Its list holds all differences, whose number above 0 is Mann and Whitney's statistic (ibid.,
    sections 4.1 to 4.3). It is right where the values are independent: a drift between the two
    sets, which pairs would not see, counts as a shift.
    """
    one, other = condense(first), condense(second)
    return Shift(tuple(sorted(b - a for a in one for b in other)), len(one), len(other))


def condense(values: Sequence[float]) -> list[float]:
    """At most `MOST` values, each the mean of as many neighbours; all where they are few."""
    each = -(-len(values) // MOST)
    return [fmean(values[start : start + each]) for start in range(0, len(values), each)]


def sequential(p: float, looked: float | None) -> float:
    """A one-sided p-value that stays right for someone who looks up to `LOOKS` times, evenly
    spread over the planned measurement, and stops when it is small enough; `looked` is the share of
    it that has been made. `p` itself where nobody looked (None).

    The statistic, times the root of that share, wanders like Brownian motion, and the highest point
    it reaches exceeds a bound twice as often as its end does (the reflection principle); less often
    at `LOOKS` moments only, as if the bound were `BETWEEN_LOOKS` higher. The boundary is that of
    P. O'Brien and T. Fleming (1979): 2.07 at the end for an error of 5 % on two sides.
    """
    if looked is None or p >= 0.5:
        return p if looked is None else 1.0
    z = -NORMAL.inv_cdf(max(p, 1e-300))
    # Never less than of one look, which the approximation would make tiny ones.
    return min(1.0, max(p, 2 * upper(z * math.sqrt(looked) + BETWEEN_LOOKS)))


def upper(z: float) -> float:
    """The normal distribution's tail above z; small ones too, which 1 - cdf would round away."""
    return math.erfc(z / math.sqrt(2)) / 2


def bound(p: float, looked: float | None) -> float:
    """How many standard deviations a shift must lie away for `sequential` to make it `p`."""
    if looked is None:
        return -NORMAL.inv_cdf(p)
    return (-NORMAL.inv_cdf(p / 2) - BETWEEN_LOOKS) / math.sqrt(looked)


@lru_cache(maxsize=64)
def _signed_ranks(count: int) -> tuple[float, ...]:
    """For each number of Walsh's averages of `count` values, how likely at least so many are
    positive where each value's sign is a coin's."""
    ways = [1.0]
    for rank in range(1, count + 1):
        grown = [*ways, *([0.0] * rank)]
        for index, share in enumerate(ways):
            grown[index + rank] += share
        ways = [share / 2 for share in grown]
    return _at_least(ways)


@lru_cache(maxsize=64)
def _rank_sums(few: int, many: int) -> tuple[float, ...]:
    """For each number of pairs of two sets, how likely in at least so many the second is greater,
    where every order is as likely: the Gaussian binomial's coefficients, divided by their sum."""
    ways = [1]
    for step in range(1, few + 1):
        # Times (1 - x^(many + step)), divided by (1 - x^step).
        grown = [*ways, *([0] * (many + step))]
        for index, number in enumerate(ways):
            grown[index + many + step] -= number
        for index in range(step, len(grown)):
            grown[index] += grown[index - step]
        ways = grown[: few and step * many + 1]
    total = sum(ways)
    return _at_least([number / total for number in ways])


def _at_least(probabilities: Sequence[float]) -> tuple[float, ...]:
    sums, so_far = [], 0.0
    for probability in reversed(probabilities):
        so_far += probability
        sums.append(min(1.0, so_far))
    return tuple(reversed(sums))
