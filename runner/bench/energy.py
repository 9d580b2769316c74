"""Joules a token: what meters counted while a model computed, less what the machine takes at rest.

Rest is measured before and after, because a machine that was busy is warmer and takes more.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from runner.bench.record import Energy
from runner.machine.energy import Meter, Meters, Missing, Part, meters
from runner.machine.energy.meter import Reading

WINDOW = 20.0
"""Seconds of each phase at least: gauges are renewed every second or so, and boost wears off."""

IDLE = 10.0
"""Seconds of rest before and after."""

STEADY = 0.1
"""How much of the net energy the two rests may leave open: of what meters that are added up count
together, for a device that hardly took part does not make that doubtful. Beyond, only the gross is
given."""

STEPS = 20
"""Steps of a coarse meter that a phase must take: it is then right to within 5 %."""

CONTAINS: dict[Part, tuple[Part, ...]] = {
    "machine": ("machine", "processor", "memory", "gpu"),
    "processor": ("machine", "processor", "memory"),
    "memory": ("memory",),
    "gpu": ("gpu",),
}
"""A missing meter is not worth a word where one of these parts is measured. That the machine as a
whole is not measured is said by the domain of what is."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A meter's joules in a phase, or why there are none."""

    joules: float | None
    seconds: float
    reason: str = ""

    @property
    def watts(self) -> float | None:
        return self.joules / self.seconds if self.joules is not None and self.seconds else None


Phase = dict[Meter, Reckoned]


class Clock:
    """The time, and waiting for it to pass."""

    def now(self) -> float:
        return time.perf_counter()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


def measure_energy(
    prefill: Callable[[], int],
    decode: Callable[[], int],
    *,
    window: float = WINDOW,
    idle: float = IDLE,
    source: Meters | None = None,
    clock: Clock | None = None,
) -> tuple[Energy, ...]:
    """Joules a token of prefill and of decode, by every meter there is (`source`: instead of this
    machine's). Each call runs once and returns its tokens; it is repeated for `window` seconds.

    Without a meter nothing runs, and the entries say why, at once.
    """
    clock = clock or Clock()
    with source or meters() as found:
        if not found.available:
            return tuple(_missing(found, ("prefill", "decode")))
        with Reading(found.available):
            rests = [_rest(found, clock, idle)]
            phases = {
                "prefill": _repeat(found, clock, prefill, window),
                "decode": _repeat(found, clock, decode, window),
            }
            rests.append(_rest(found, clock, idle))
    entries = [
        entry
        for of, (phase, tokens) in phases.items()
        for entry in _energies(of, phase, rests, tokens)
    ]
    return (*entries, *_missing(found, ("prefill", "decode")))


class Tally:
    """The energy of a span of work, net of rest: a task's answers, however long they take.

    Entering it waits `idle` seconds for the rest before, and leaving it as long for the one after;
    neither where there is no meter. Leave it before `energy`.
    """

    def __init__(
        self, *, idle: float = IDLE, source: Meters | None = None, clock: Clock | None = None
    ) -> None:
        self._clock = clock or Clock()
        self._found = source or meters()
        self._idle = idle
        self._reading = Reading(self._found.available)
        self._rests: list[Phase] = []
        self._phase: Phase = {}

    def __enter__(self) -> Self:
        self._reading.__enter__()
        if self._found.available:
            self._rests.append(_rest(self._found, self._clock, self._idle))
        self._span = _Span(self._found, self._clock)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._phase = self._span.end()
        try:
            if self._found.available:
                # Whoever interrupts does not want to wait: the rest before has to do.
                unhurried = error is None
                self._rests.append(
                    _rest(self._found, self._clock, self._idle) if unhurried else self._rests[0]
                )
        finally:
            self._reading.__exit__(kind, error, traceback)
            self._found.close()

    @property
    def seconds(self) -> float:
        """How long the span took; 0 where no meter ran."""
        return max((one.seconds for one in self._phase.values()), default=0.0)

    def energy(self, tokens: int, of: str = "decode") -> tuple[Energy, ...]:
        """Joules for each of the span's `tokens`, by every meter; or why there are none."""
        entries = _energies(of, self._phase, self._rests, tokens)
        return (*entries, *_missing(self._found, (of,)))


class _Span:
    """All meters from now until `end`."""

    def __init__(self, found: Meters, clock: Clock) -> None:
        self._found, self._clock = found, clock
        self._from = [_read(meter) for meter in found.available]
        self._began = clock.now()

    def end(self) -> Phase:
        seconds = self._clock.now() - self._began
        phase: Phase = {}
        for meter, before in zip(self._found.available, self._from, strict=True):
            after = _read(meter)
            failed = next((one for one in (before, after) if isinstance(one, str)), "")
            if isinstance(before, str) or isinstance(after, str):
                phase[meter] = Reckoned(None, seconds, failed)
            else:
                phase[meter] = Reckoned(after - before, seconds)
        return phase


def _read(meter: Meter) -> float | str:
    try:
        return meter.joules()
    except OSError as error:
        return str(error)


def _rest(found: Meters, clock: Clock, seconds: float) -> Phase:
    span = _Span(found, clock)
    clock.wait(seconds)
    return span.end()


def _repeat(
    found: Meters, clock: Clock, run: Callable[[], int], window: float
) -> tuple[Phase, int]:
    """At least once, and until the window is full; with the tokens of all runs. What computes
    nothing is not repeated."""
    span, began, tokens = _Span(found, clock), clock.now(), run()
    while tokens and clock.now() - began < window:
        tokens += run()
    return span.end(), tokens


def _energies(of: str, phase: Phase, rests: Sequence[Phase], tokens: int) -> Iterator[Energy]:
    """An entry for each meter. Whether it is known what one took above rest is judged beside those
    that it is added up with."""
    above = {meter: _above(phase[meter], [rest[meter] for rest in rests]) for meter in phase}
    for meter in phase:
        beside = [above[other] for other in phase if _is_added(other) == _is_added(meter)]
        together = sum(max(one.joules, 0.0) for one in beside if one is not None)
        reason = next((rest[meter].reason for rest in rests if rest[meter].reason), "")
        yield _energy(of, meter, phase[meter], above[meter], together, tokens, reason)


def _is_added(meter: Meter) -> bool:
    """Whether it is of a part, which is added to others; the machine as a whole is not."""
    return meter.part != "machine"


@dataclass(frozen=True, slots=True)
class _Above:
    """What a meter counted above rest, in joules, of which the two rests leave `doubt` open; in
    watts, what it took at rest before and after."""

    joules: float
    doubt: float
    before: float
    after: float

    @property
    def idle(self) -> float:
        return (self.before + self.after) / 2


def _above(phase: Reckoned, rests: Sequence[Reckoned]) -> _Above | None:
    """None where the phase or a rest was not measured."""
    before, after = rests[0].watts, rests[-1].watts
    if phase.joules is None or before is None or after is None:
        return None
    net = phase.joules - (before + after) / 2 * phase.seconds
    return _Above(net, abs(after - before) / 2 * phase.seconds, before, after)


def _energy(
    of: str,
    meter: Meter,
    phase: Reckoned,
    above: _Above | None,
    together: float,
    tokens: int,
    restless: str,
) -> Energy:
    """`together` is what this meter and those it is added up with took above rest; `restless` is
    why a rest was not measured."""

    def entry(net: float | None, gross: float | None, reason: str = "", remedy: str = "") -> Energy:
        return Energy(
            of=of,
            net=net,
            gross=gross,
            idle_watts=above.idle if above is not None else None,
            domain=meter.domain,
            source=meter.source,
            kind=meter.kind,
            tokens=tokens,
            seconds=phase.seconds,
            reason=reason,
            remedy=remedy,
        )

    if phase.joules is None:
        return entry(None, None, phase.reason)
    if not tokens:
        return entry(None, None, "nothing was computed")
    if phase.joules <= 0:
        return entry(None, None, "the counter stood still")
    if phase.joules < STEPS * meter.resolution:
        reason = f"the gauge counts in steps of {meter.resolution:.0f} J, too coarse for"
        return entry(None, None, f"{reason} {phase.seconds:.0f} s", "Measure for longer.")
    gross = phase.joules / tokens
    if above is None:
        return entry(None, gross, restless)
    if above.doubt > STEADY * together:
        reason = f"at rest it took {above.before:.1f} W before and {above.after:.1f} W after"
        return entry(None, gross, reason, "Close other programs.")
    if not together:
        return entry(None, gross, f"it took no more than at rest ({above.idle:.1f} W)")
    if above.joules <= 0:
        return entry(0.0, gross, f"idle: it took no more than at rest ({above.idle:.1f} W)")
    uncertain = above.doubt > STEADY * above.joules
    reason = f"hardly above rest, to within {above.doubt / above.joules:.0%}" if uncertain else ""
    return entry(above.joules / tokens, gross, reason)


def _missing(found: Meters, phases: Sequence[str]) -> Iterator[Energy]:
    """What is not measured, unless something that is contains it."""
    covered = {part for meter in found.available for part in CONTAINS[meter.part]}
    for of in phases:
        for one in found.missing:
            if one.part not in covered:
                yield _not_measured(of, one)
        if not found.available and not found.missing:
            reason = "this system has no energy meter that Runner can read"
            yield _not_measured(of, Missing("processor", "", "processor", reason))


def _not_measured(of: str, one: Missing) -> Energy:
    return Energy(
        of=of,
        net=None,
        gross=None,
        idle_watts=None,
        domain=one.domain,
        source=one.source,
        kind=None,
        reason=one.reason,
        remedy=one.remedy,
    )
