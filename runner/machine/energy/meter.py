"""A meter: joules since it was opened, what they cover, and who says so."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Part = Literal["machine", "processor", "memory", "gpu"]
"""What is covered. The machine has the others in it, which have nothing in common."""

Kind = Literal["counter", "model", "gauge"]


class Meter(ABC):
    """`domain` names what is covered in the source's words, and `part` says where that belongs.

    `interval` is how many seconds may pass between two readings: a counter wraps around, and a
    power is known only when it is read. `resolution` is the step in which it counts, in joules; 0
    where that is too small to matter.
    """

    interval: float = 10.0
    resolution: float = 0.0

    def __init__(self, domain: str, source: str, kind: Kind, part: Part) -> None:
        self.domain, self.source, self.kind, self.part = domain, source, kind, part
        self._lock = threading.Lock()

    def joules(self) -> float:
        """Since it was opened. Raises OSError, which says why, where it can no longer be read."""
        with self._lock:
            return self._read()

    @abstractmethod
    def _read(self) -> float: ...

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Gives back what it holds."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A meter that is not there or cannot be read: `reason` says why, `remedy` what would help."""

    domain: str
    source: str
    part: Part
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Meters:
    """What can be read, the widest first, and what cannot. Closes its meters."""

    available: tuple[Meter, ...] = ()
    missing: tuple[Missing, ...] = ()

    def close(self) -> None:
        for meter in self.available:
            meter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Wrapping:
    """The sum of a counter's growth, which starts again from 0 after `span` counts.

    Right as long as it is read at least once in each of its rounds.
    """

    def __init__(self, count: int, span: int) -> None:
        self._last, self._span, self.total = count, span, 0

    def to(self, count: int) -> int:
        """The growth since the beginning, the counter now being at `count`."""
        grown = count - self._last
        self.total += grown if grown >= 0 else grown + self._span
        self._last = count
        return self.total


class Integral:
    """The energy of a power that is looked at now and then: trapezoids between the looks."""

    def __init__(self, watts: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._time, self._watts = clock, clock(), watts
        self.joules = 0.0

    def to(self, watts: float) -> float:
        """Joules since the beginning, the power now being `watts`."""
        now = self._clock()
        self.joules += (now - self._time) * (watts + self._watts) / 2
        self._time, self._watts = now, watts
        return self.joules


class Reading:
    """Reads meters in the background as often as they need it, while it is open."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self._meters = tuple(meters)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="energy", daemon=True)

    def __enter__(self) -> Self:
        if self._meters:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._meters:
            self._thread.join()

    def _run(self) -> None:
        due = dict.fromkeys(self._meters, 0.0)
        while not self._done.wait(max(0.0, min(due.values()) - time.monotonic())):
            for meter in self._meters:
                if due[meter] <= time.monotonic():
                    # One that fails says so to whoever asks it for the result.
                    try_reading(meter)
                    due[meter] = time.monotonic() + meter.interval


def try_reading(meter: Meter) -> float | None:
    """Its joules, or None where it cannot be read now."""
    try:
        return meter.joules()
    except OSError:
        return None
