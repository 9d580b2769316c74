"""The loading options that are quickest for a model on this machine, found one after another.

Each option is tried beside the best so far, in turns, and kept only where it is significantly
faster at something and slower at nothing. What is found is measured once more against the defaults,
because the best of many tries looks better than it is: that measurement says what was gained.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.bench.arms import Arm
from runner.bench.compare import LEAST, Comparison, compare, decided
from runner.bench.measure import Progress, Wanted, measure
from runner.bench.record import Record
from runner.bench.statistics import LEAST_BLOCKS
from runner.bench.workloads import Workload, synthetic, texts
from runner.errors import ConfigurationError, DeviceError, DoesNotFit
from runner.models import Located
from runner.settings import Settings

CONFIRMING = 0.3
"""Of the time budget, for what is found against the defaults."""

WORKLOADS = synthetic(prompts=(128,), replies=(16,))
"""Short, so that arms take turns faster than the machine's noise drifts."""

SPOKEN = texts(("code",), reply_tokens=48)
"""Guesses are right or wrong about real text only."""

WIDE = ("f32", "f16", "bf16")
"""KV types that do without flash attention."""

RUNS = 4 * LEAST_BLOCKS
"""Of a test, that a verdict takes at least: each of two arms twice a block."""

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Try:
    """Options that were tried against the best so far, and how they did, or `why` they could not
    be; kept or not."""

    options: Options
    comparison: Comparison | None
    kept: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`options` are what is better than the defaults, empty where nothing is; `confirmed` is the
    measurement that says so, in `records`. None where no try was kept."""

    options: Options
    tries: tuple[Try, ...]
    confirmed: Comparison | None = None
    records: tuple[Record, ...] = ()
    interrupted: bool = False

    @property
    def gains(self) -> dict[str, tuple[float, float, float]]:
        """The rate over that of the defaults with its interval, by test."""
        tests = self.confirmed.tests if self.confirmed else ()
        return {one.test: (one.ratio, *one.interval) for one in tests if one.interval is not None}


@dataclass(frozen=True, slots=True)
class Search:
    """`base` names every option that is searched, with the value that holds by default."""

    located: Located
    settings: Settings
    base: Options
    candidates: Sequence[Options]
    time_budget: float
    workloads: Sequence[Workload] = ()
    """What every candidate is measured by; without, what it makes a difference to."""
    seed: int = 0
    progress: Callable[[Progress], None] | None = None
    told: Callable[[Try], None] = lambda _: None

    def run(self) -> Outcome:
        """Ctrl-C ends it with the tries so far and no outcome. Raises what measuring the defaults
        raises."""
        best: dict[str, Any] = {}
        tries: list[Try] = []
        wanted = [one for one in self.candidates if self._differs(one, best)]
        each = self.time_budget * (1 - CONFIRMING) / max(1, len(wanted))
        for options in wanted:
            if not self._differs(options, best):
                continue
            tried, interrupted = self._try(options, best, each, tries)
            tries.append(tried)
            self.told(tried)
            if interrupted:
                return Outcome({}, tuple(tries), interrupted=True)
            if tried.kept:
                best |= options
        if not best:
            return Outcome({}, tuple(tries))
        kept = [self._measured_by(one.options) for one in tries if one.kept]
        by = tuple(
            dict.fromkeys(one for some in (self.workloads or WORKLOADS, *kept) for one in some)
        )
        confirmed, records, interrupted = self._beside({}, best, by, self.time_budget * CONFIRMING)
        found = self._complete(best) if is_better(confirmed) and not interrupted else {}
        return Outcome(found, tuple(tries), confirmed, records, interrupted)

    def _try(
        self, options: Options, best: Options, seconds: float, before: Sequence[Try]
    ) -> tuple[Try, bool]:
        """How it does beside the best so far, and whether Ctrl-C ended it."""
        by = self._measured_by(options)
        if _prompt_seconds(by, before) * RUNS > seconds:
            return Try(options, None, False, "its prompts take too long for the time"), False
        try:
            comparison, _, interrupted = self._beside(best, {**best, **options}, by, seconds)
        except (ConfigurationError, DeviceError, DoesNotFit) as error:
            return Try(options, None, False, error.message), False
        why = "" if comparison else "there was too little time for it"
        return Try(options, comparison, is_better(comparison), why), interrupted

    def _measured_by(self, options: Options) -> Sequence[Workload]:
        """The tests that these options make a difference to."""
        if self.workloads:
            return self.workloads
        if "speculate" in options:
            return SPOKEN
        if "micro_batch" in options:
            return synthetic(prompts=(max(options["micro_batch"], self.base["micro_batch"]),))
        return [one for one in WORKLOADS if "threads_batch" not in options or one.kind == "prefill"]

    def _complete(self, best: Options) -> Options:
        """With what else was in force while it was measured, and would follow it otherwise."""
        if "threads" not in best:
            return best
        return {"threads_batch": self.base["threads_batch"], **best}

    def _differs(self, options: Options, best: Options) -> bool:
        now = {**self.base, **best}
        return any(now.get(name) != value for name, value in options.items())

    def _beside(
        self, first: Options, second: Options, by: Sequence[Workload], seconds: float
    ) -> tuple[Comparison | None, tuple[Record, ...], bool]:
        """The comparison, None where there was no time for one; the records; and whether Ctrl-C
        ended it."""
        arms = [self._arm("best so far", first), self._arm("candidate", second)]
        wanted = Wanted(time_budget=seconds, seed=self.seed)
        records = measure(arms, by, wanted, progress=self.progress, enough=decided)
        method = records[0].method
        stopped = method is not None and method.stopped == "interrupted"
        if len(records) < 2 or method is None or method.blocks < LEAST:
            return None, records, stopped
        return compare(records[0], records[1]), records, stopped

    def _arm(self, name: str, options: Options) -> Arm:
        return Arm(name, self.located, replace(self.settings, **{**self.base, **options}))


def _prompt_seconds(by: Sequence[Workload], before: Sequence[Try]) -> float:
    """What reading a prompt of these tests takes, as far as it was seen."""
    rates = [
        test.first
        for one in before
        for test in (one.comparison.tests if one.comparison else ())
        if test.test.startswith("pp")
    ]
    most = max((one.prompt_tokens for one in by), default=0)
    return most / rates[-1] if rates else 0.0


def is_better(comparison: Comparison | None) -> bool:
    """Whether the second is faster at something and slower at nothing."""
    if comparison is None:
        return False
    verdicts = [test.verdict for test in comparison.tests]
    return "faster" in verdicts and "slower" not in verdicts


def base_of(located: Located, settings: Settings) -> dict[str, Any]:
    """What holds for the model where nobody tuned it, with every option said: an earlier tuning
    must not slip in where nothing is. Raises what placing raises."""
    from runner.fit import place
    from runner.models.wishes import wishes_of

    placed = place(located.path, wishes_of(settings))
    base: dict[str, Any] = {
        "threads": placed.threads,
        "threads_batch": placed.threads_batch,
        "batch": placed.batch,
        "micro_batch": placed.micro_batch,
        "flash_attention": placed.flash_attention,
        "kv": placed.kv_type,
        "mmap": placed.mmap,
        "repack": placed.repack,
        "speculate": bool(settings.speculate),
    }
    if placed.devices:
        base["gpu_layers"] = placed.gpu_layers
    return base


def candidates(base: Options, *, logical: int, layers: int, allow_kv: bool) -> list[Options]:
    """What to try, the most likely gains first: threads, repacking, flash attention, batches,
    mapping, speculation, layers on the GPU; KV types only where allowed: they change answers."""
    found: list[Options] = []
    for count in _thread_counts(int(base["threads"]), logical):
        found.append({"threads": count})
    for count in _thread_counts(int(base["threads_batch"]), logical):
        found.append({"threads_batch": count})
    if base["kv"] in WIDE:  # the others need it
        found.append({"flash_attention": "off"})
    found.append({"repack": not base["repack"]})
    for size in (128, 256, 1024, 2048):
        found.append({"micro_batch": size, "batch": max(512, size)})
    found.append({"mmap": not base["mmap"]})
    found.append({"speculate": not base["speculate"]})
    if "gpu_layers" in base:
        found += [{"gpu_layers": count} for count in dict.fromkeys((layers + 1, layers // 2, 0))]
    if allow_kv:
        # A quantized cache needs flash attention, which may have been switched off before.
        found += [{"kv": kind, "flash_attention": "auto"} for kind in ("q8_0", "bf16")]
    return found


def _thread_counts(now: int, logical: int) -> Iterator[int]:
    """Half, a core left to others, and every logical processor."""
    wanted = dict.fromkeys((now - 1, now // 2, logical))
    return (count for count in wanted if count > 0 and count != now)
