"""The loading options that are quickest for a model on this machine, found one after another.

Each change is tried beside the best so far, in turns, and kept only where it is significantly
faster at something and slower at nothing; a try ends as soon as that is known. What is found is
measured once more against the defaults, because the best of many tries looks better than it is:
that measurement says what was gained.

Each try gets the time that a verdict takes, and an even share of what is left beyond that; what one
leaves, because it was decided early, goes to those after it. Where there is not time for all, those
that take more than their even share wait until the others are done.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from runner.bench.arms import Arm
from runner.bench.candidates import Options, workloads_of
from runner.bench.compare import LEAST, Comparison, compare, verdicts
from runner.bench.measure import Progress, Wanted, interrupted, measure
from runner.bench.metrics import rates_by_block
from runner.bench.record import Record
from runner.bench.sizing import PROBES, PROBING, lasting
from runner.bench.workloads import Workload
from runner.errors import RunnerError
from runner.models import Located
from runner.models.tuned import words_of
from runner.settings import Settings

CONFIRMING = 0.3
"""Of the time budget, for what is found against the defaults."""

WARM_UPS = 3

BLOCKS = 8
"""That a verdict takes: with two tests, seven blocks that all point the same way are the fewest."""

RUNS = 4
"""Of a test in a block: each of two arms twice."""

TOO_SHORT = "there was too little time for a verdict"

LETTERS = 4
"""Of a text in a token, about."""


@dataclass(frozen=True, slots=True)
class Try:
    """Options that were tried against the best so far, and how they did, kept or not; `why` they
    could not be tried, or not to a verdict, which is `short` where it was for want of time."""

    options: Options
    comparison: Comparison | None
    kept: bool
    why: str = ""
    short: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """`options` are what is better than the defaults, empty where nothing is. `best` is what was
    kept of the tries, and `confirmed` the measurement that says whether it is better, in `records`;
    None where no try was kept, or where it could not be measured, and `why` not. `time_for_all` are
    the seconds in which every change could be tried, as far as that was found out."""

    options: Options
    tries: tuple[Try, ...]
    best: Options = field(default_factory=dict)
    confirmed: Comparison | None = None
    records: tuple[Record, ...] = ()
    why: str = ""
    interrupted: bool = False
    time_for_all: float | None = None

    @property
    def gains(self) -> dict[str, tuple[float, float, float]]:
        """The rate over that of the defaults with its interval, by test."""
        tests = self.confirmed.tests if self.confirmed and self.options else ()
        return {one.test: (one.ratio, *one.interval) for one in tests if one.interval is not None}

    @property
    def tried(self) -> int:
        """How many changes were measured, and long enough."""
        return sum(one.comparison is not None and not one.short for one in self.tries)

    @property
    def short(self) -> int:
        """How many there was no time for, or too little."""
        return sum(one.short for one in self.tries)

    @property
    def conclusive(self) -> bool:
        """Whether everything that can be tried was, to the end."""
        ended = not self.interrupted and not self.short and self.tried > 0
        return ended and not self.why


@dataclass(frozen=True, slots=True)
class Search:
    """`base` names every option that is searched, with the value that holds by default. `progress`
    is told what is being done, and how far that is."""

    located: Located
    settings: Settings
    base: Options
    candidates: Sequence[Options]
    time_budget: float
    """Seconds, of which little more may be taken: what was begun is ended."""
    room: int
    """Tokens that the context may hold."""
    workloads: Sequence[Workload] = ()
    """What every candidate is measured by; without, what it makes a difference to."""
    seed: int = 0
    progress: Callable[[str, Progress], None] | None = None
    told: Callable[[Try], None] = lambda _: None

    def run(self) -> Outcome:
        """Ctrl-C ends it with the tries so far. Raises what measuring the defaults raises."""
        return _Course(self).run()

    def complete(self, best: Options) -> Options:
        """With what else was in force while it was measured, and would follow it otherwise."""
        if "threads" not in best:
            return dict(best)
        return {"threads_batch": self.base["threads_batch"], **best}

    def arm(self, name: str, options: Options) -> Arm:
        return Arm(name, self.located, replace(self.settings, **{**self.base, **options}))


class Pace:
    """How fast the model is here, in tokens/s, which tells how long a try takes; and how long tries
    took."""

    def __init__(self, prefill: float, decode: float, overhead: float) -> None:
        """`overhead` are the seconds that a try takes beside its runs, before one was made."""
        self._prefill, self._decode = prefill, decode
        self._overheads, self._slower = [overhead], list[float]()

    def seconds(self, by: Sequence[Workload]) -> float:
        """That a verdict on these tests takes."""
        slower = median(self._slower) if self._slower else 1.0
        return self.overhead + BLOCKS * slower * self._block(by)

    @property
    def overhead(self) -> float:
        return median(self._overheads[-3:])

    def saw(self, by: Sequence[Workload], blocks: int, measured: float, whole: float) -> None:
        """A try, which took `whole` seconds, so many of them for its blocks."""
        self._overheads.append(whole - measured)
        if blocks:
            self._slower.append(measured / blocks / self._block(by))

    def _block(self, by: Sequence[Workload]) -> float:
        return RUNS * sum(map(self._run, by))

    def _run(self, workload: Workload) -> float:
        prompt = workload.prompt_tokens or len(workload.text) / LETTERS
        return prompt / self._prefill + workload.reply_tokens / self._decode


class _Course:
    """A search under way."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._began = time.monotonic()
        self._usual: Sequence[Workload] = search.workloads
        self._best: dict[str, Any] = {}
        self._tries: list[Try] = []
        self._doing = "finding out how fast it is"

    def run(self) -> Outcome:
        try:
            self._pace = self._find_pace()
            self._try_all()
            outcome = self._confirmed()
        except KeyboardInterrupt:
            best = self._search.complete(self._best)
            return Outcome({}, tuple(self._tries), best, interrupted=True)
        return replace(outcome, time_for_all=self._time_for_all())

    def _left(self) -> float:
        return self._search.time_budget - (time.monotonic() - self._began)

    def _find_pace(self) -> Pace:
        """Also chooses the tests where none were asked for: runs as long as arms that take turns
        should have them."""
        began = time.monotonic()
        arms = [self._search.arm("defaults", {})]
        (record,) = self._measured(arms, PROBES, PROBING, None)
        prefill, decode = (_rate(record, probe) for probe in PROBES)
        if not self._usual:
            self._usual = lasting(prefill, decode)
        return Pace(prefill, decode, overhead=2 * (time.monotonic() - began))

    def _reserve(self) -> float:
        """Seconds that are kept for confirming what was found, or what may be found."""
        least = self._pace.seconds(self._usual)
        return max(least, CONFIRMING * self._search.time_budget) if self._best else least

    def _time_for_all(self) -> float:
        """The seconds that all changes take, were each one tried for as long as it needs, as far as
        is known by now."""
        tries = sum(map(self._needed, self._search.candidates))
        confirming = self._pace.seconds(self._usual)
        return self._pace.overhead + max(tries / (1 - CONFIRMING), tries + confirming)

    def _needed(self, options: Options) -> float:
        return self._pace.seconds(self._workloads_of(options))

    def _try_all(self) -> None:
        waiting, late = list(self._search.candidates), list[Options]()
        for queue in (waiting, late):  # the second is filled while the first is gone through
            while queue:
                options = queue.pop(0)
                if not self._differs(options):
                    continue
                others = [one for one in (*waiting, *late) if self._differs(one)]
                needed, left = self._needed(options), self._left() - self._reserve()
                beyond = left - needed - sum(map(self._needed, others))
                even = left / (1 + len(others))
                one = None
                if beyond >= 0 or needed <= even or (queue is late and needed <= left):
                    one = self._try(options, needed + max(beyond, 0.0) / (1 + len(others)))
                if queue is waiting and (one is None or one.short):
                    late.append(options)
                else:
                    why = f"there was no time for it: a verdict takes about {needed:.0f} s"
                    self._note(one or Try(options, None, kept=False, why=why, short=True))

    def _try(self, options: Options, seconds: float) -> Try:
        number, all_of_them = len(self._tries) + 1, len(self._search.candidates)
        self._doing = f"{words_of(options)} ({number} of {all_of_them})"
        by = self._workloads_of(options)
        try:
            comparison, _ = self._beside(self._best, {**self._best, **options}, by, seconds)
        except RunnerError as error:  # also one that llama.cpp does not survive
            return Try(options, None, kept=False, why=error.message)
        short = not is_long_enough(comparison)
        why = TOO_SHORT if short else ""
        return Try(options, comparison, is_better(comparison), why, short)

    def _note(self, one: Try) -> None:
        self._tries.append(one)
        if one.kept:
            self._best |= one.options
        self._search.told(one)

    def _confirmed(self) -> Outcome:
        """What was kept, against the defaults, by all tests that any of it was kept for."""
        tries, best = tuple(self._tries), self._search.complete(self._best)
        if not best:
            return Outcome({}, tries)
        self._doing = "confirming"
        kept = [self._workloads_of(one.options) for one in tries if one.kept]
        by = tuple(dict.fromkeys(one for some in (self._usual, *kept) for one in some))
        seconds = max(self._left(), self._pace.seconds(by))
        try:
            comparison, records = self._beside({}, best, by, seconds)
        except RunnerError as error:
            return Outcome({}, tries, best, why=error.message)
        found = best if is_better(comparison) else {}
        why = "" if is_long_enough(comparison) else TOO_SHORT
        return Outcome(found, tries, best, comparison, records, why)

    def _workloads_of(self, options: Options) -> Sequence[Workload]:
        if self._search.workloads:
            return self._search.workloads
        return workloads_of(options, self._search.base, self._usual, self._search.room)

    def _differs(self, options: Options) -> bool:
        now = {**self._search.base, **self._best}
        return any(now.get(name) != value for name, value in options.items())

    def _beside(
        self, first: Options, second: Options, by: Sequence[Workload], seconds: float
    ) -> tuple[Comparison | None, tuple[Record, ...]]:
        """The comparison, None where there was no time for one, and the records."""
        began = time.monotonic()
        arms = [self._search.arm("best so far", first), self._search.arm("candidate", second)]
        seconds = max(seconds - self._pace.overhead, 1.0)
        seed = self._search.seed
        wanted = Wanted(time_budget=seconds, warm_ups=WARM_UPS, seed=seed, ceiling=False)
        records = self._measured(arms, by, wanted, is_settled)
        method = records[0].method
        if method is not None:
            self._pace.saw(by, method.blocks, method.seconds, time.monotonic() - began)
        if len(records) < 2 or method is None or method.blocks < LEAST:
            return None, records
        return compare(records[0], records[1]), records

    def _measured(
        self,
        arms: Sequence[Arm],
        by: Sequence[Workload],
        wanted: Wanted,
        enough: Callable[[Sequence[Record]], bool] | None,
    ) -> tuple[Record, ...]:
        """The records. Raises KeyboardInterrupt, also where there was something to keep."""

        def progress(now: Progress) -> None:
            if self._search.progress is not None:
                self._search.progress(self._doing, now)

        records = measure(arms, by, wanted, progress=progress, enough=enough)
        if interrupted(records):
            raise KeyboardInterrupt
        return records


def _rate(record: Record, probe: Workload) -> float:
    test = record.test(probe.name)
    rates = rates_by_block(test).values() if test is not None else ()
    return median(rates) if rates else 1.0


def is_settled(records: Sequence[Record]) -> bool:
    """Whether it is known if the second is to be kept: what is slower at something is not, whatever
    else it is."""
    found = verdicts(records)
    return found is not None and ("slower" in found or "undecided" not in found)


def is_long_enough(comparison: Comparison | None) -> bool:
    """Whether it has as many blocks as verdicts take, or what settles it with fewer."""
    if comparison is None:
        return False
    return any(one.verdict == "slower" for one in comparison.tests) or all(
        one.blocks >= BLOCKS or one.verdict != "undecided" for one in comparison.tests
    )


def is_better(comparison: Comparison | None) -> bool:
    """Whether the second is faster at something and slower at nothing."""
    if comparison is None:
        return False
    found = [test.verdict for test in comparison.tests]
    return "faster" in found and "slower" not in found
