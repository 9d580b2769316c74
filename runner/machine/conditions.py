"""What the machine was like during a run: load of others, frequency, heat, power, page faults."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from runner.machine.load import Family, Ticks, page_faults, ticks
from runner.machine.senses import Senses, senses_here

LONG_ENOUGH = 0.25
"""Seconds over which the time of processors can be told apart: kernels count it in steps of 10 ms.
A shorter run is seen together with what came just before it."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The machine during one run; None where it does not say. `other_cpu` is the share of
    the time of the processors that this process may use that others took, `throttled` how often a
    limit was hit; the faults are this process's."""

    other_cpu: float | None = None
    mhz: float | None = None
    temperature: float | None = None
    throttled: int | None = None
    major_faults: int | None = None
    minor_faults: int | None = None
    on_battery: bool | None = None
    governor: str | None = None


class Watch:
    """What happens to the machine between `begin` and `end`, seen from the process that measures.

    Each takes less than a millisecond, and belongs outside the time that is measured. This process,
    its parent, which asks it, and its `family` (their numbers) are not among the others. Frequency
    and temperature are those at the end, when the processors are still as the run left them.
    """

    def __init__(self, senses: Senses | None = None, family: Sequence[int] = ()) -> None:
        self._senses = senses or senses_here()
        self._family = Family(family)
        self._past: deque[Ticks] = deque()
        self._throttled: int | None = None
        self._faults: tuple[int, int] | None = None

    def begin(self) -> None:
        """Raises nothing: what cannot be read stays unknown."""
        self._throttled = self._senses.throttled()
        self._past.append(ticks(self._family))
        self._faults = page_faults()

    def end(self) -> Conditions:
        """Since the last `begin`. Raises RuntimeError where nothing began."""
        if not self._past:
            raise RuntimeError("end() without begin()")
        faults, mhz, now = page_faults(), self._senses.megahertz(), ticks(self._family)
        major, minor = _since(self._faults, faults)
        return Conditions(
            other_cpu=self._others(now),
            mhz=mhz,
            temperature=self._senses.temperature(),
            throttled=_rise(self._throttled, self._senses.throttled()),
            major_faults=major,
            minor_faults=minor,
            on_battery=self._senses.on_battery(),
            governor=self._senses.governor(),
        )

    def _others(self, now: Ticks) -> float | None:
        """Their share since the latest beginning that is long enough ago."""
        while len(self._past) > 1 and now.time - self._past[1].time >= LONG_ENOUGH:
            self._past.popleft()
        before = self._past[0]
        return now.others_since(before) if now.time - before.time >= LONG_ENOUGH else None


def _rise(before: int | None, after: int | None) -> int | None:
    """A counter that was reset (a processor that went away) has not risen."""
    return None if before is None or after is None else max(0, after - before)


def _since(
    before: tuple[int, int] | None, after: tuple[int, int] | None
) -> tuple[int | None, int | None]:
    if before is None or after is None:
        return None, None
    return after[0] - before[0], after[1] - before[1]
