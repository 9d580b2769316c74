"""When a difference counts, and when its absence does: the rule behind every verdict on speed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from runner.bench.record import Method
from runner.bench.shift import LOOKS, Shift, bound, sequential

Verdict = Literal["faster", "slower", "equivalent", "undecided"]

POWER = 0.8
"""The chance of a verdict for which the number of missing blocks is told."""

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Rule:
    """How sure a verdict must be. Shifts are of logarithms of rates.

    `margin` is the difference that does not matter, as a share; `error` the chance of a wrong
    verdict; `looked` as `share_made` tells it.
    """

    margin: float
    error: float
    looked: float | None = None

    def p(self, shift: Shift) -> float:
        """The two-sided p-value of "there is no difference"."""
        return min(1.0, 2 * sequential(min(shift.above(0.0), shift.below(0.0)), self.looked))

    def interval(self, shift: Shift) -> tuple[float, float] | None:
        """Of the ratio of rates; None where there are too few blocks."""
        found = shift.interval(self.error, self.looked)
        return found and (math.exp(found[0]), math.exp(found[1]))

    def equivalent(self, shift: Shift) -> bool:
        """Whether a true ratio outside of 1 ± `margin` is ruled out on both sides (two one-sided
        tests; D. Schuirmann, 1987). The lower bound is the inverse of the upper one, so that it
        does not matter which of two is called the first."""
        most = math.log1p(self.margin)
        p = max(shift.above(-most), shift.below(most))
        return sequential(p, self.looked) < self.error

    def verdict(self, shift: Shift, p_corrected: float) -> Verdict:
        """Equivalent where that is shown, even if a difference too small to matter is too; else
        faster or slower where a difference is."""
        if self.equivalent(shift):
            return "equivalent"
        if p_corrected < self.error:
            return "faster" if shift.estimate > 0 else "slower"
        return "undecided"

    def more_blocks(self, shift: Shift, blocks: int, tests: int) -> int | None:
        """How many blocks beside those at hand a verdict would probably need, were the true
        difference what it seems to be, among so many tests; None where too little is known."""
        interval = shift.interval(self.error)
        if interval is None or interval[0] == interval[1]:
            return None
        spread = (interval[1] - interval[0]) / 2 / -NORMAL.inv_cdf(self.error / 2)
        # Of another measurement of the whole length, if that may stop too.
        end = None if self.looked is None else 1.0
        distances = (
            (abs(shift.estimate), bound(self.error / 2 / tests, end)),
            (math.log1p(self.margin) - abs(shift.estimate), bound(self.error, end)),
        )
        needed = [
            blocks * ((away + NORMAL.inv_cdf(POWER)) * spread / distance) ** 2
            for distance, away in distances
            if distance > 0
        ]
        return max(1, math.ceil(min(needed) - blocks))


class Looks:
    """The moments of a measurement of so many seconds at which it is looked whether it can end."""

    def __init__(self, time_budget: float) -> None:
        self._budget = time_budget
        self._before = 0.0

    def due(self, elapsed: float) -> bool:
        """Whether one has passed since this was asked last."""
        before, self._before = self._before, elapsed / self._budget
        return is_look(before, self._before)


def is_look(before: float, now: float) -> bool:
    """Whether one of the moments to look lies between two shares of the measurement."""
    return math.floor(LOOKS * before) < math.floor(LOOKS * now)


def share_made(method: Method | None) -> float | None:
    """How much of the planned measurement has been made, where someone looked after each block and
    could end it; None where nobody did, so that nothing has to be paid for looking."""
    if method is None or not method.looked:
        return None
    if method.stopped in ("time", "blocks"):
        return 1.0
    if method.time_budget <= 0:  # without an end, each look is held to the strictest bound
        return 1 / LOOKS
    return min(1.0, method.seconds / method.time_budget)


def least_made(methods: Iterable[Method | None]) -> float | None:
    """The least share after which one of these could end at a verdict; None where none could."""
    shares = (share_made(method) for method in methods)
    return min((share for share in shares if share is not None), default=None)


def holm(values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, so that the chance of one wrong verdict among all stays
    what it is for one (S. Holm, 1979)."""
    corrected, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = highest
    return corrected
