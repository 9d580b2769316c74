"""Measuring arms beside each other: warm-up, blocks, and when it is enough."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from runner.bench import facts, order, page_cache
from runner.bench.arm_process import ArmProcess
from runner.bench.arms import Arm
from runner.bench.prices import read_prices
from runner.bench.record import Load, MemoryUse, Method, Record
from runner.bench.records import Facts, Taken, record
from runner.bench.room import together
from runner.bench.statistics import relative_width
from runner.bench.wanted import Progress, Wanted
from runner.bench.workloads import Workload
from runner.errors import ConfigurationError
from runner.gguf import read_whole_header

STEADY = 0.02
"""Two successive runs that differ by less are warm."""

WARM_UP_SHARE = 0.25
"""Of the time budget, that warming up may take; each test runs once in any case."""

ENDLESS = 240.0
"""Seconds that warming up takes a time budget for that has no end."""

__all__ = ["Progress", "Wanted", "measure"]

Tell = Callable[[Progress], None]
Remark = Callable[[str], None]
Enough = Callable[[Sequence[Record]], bool]


def measure(
    arms: Sequence[Arm],
    workloads: Sequence[Workload],
    wanted: Wanted,
    *,
    progress: Tell | None = None,
    remark: Remark | None = None,
    enough: Enough | None = None,
) -> tuple[Record, ...]:
    """A record for each arm, in their order. Each is measured in a process of its own, and they
    take turns in blocks. `enough` is asked after each block and ends it; `remark` is told what was
    chosen or left out. Ctrl-C ends it with what was measured so far.

    Raises what loading a model raises, ConfigurationError where no workload fits an arm's context,
    RunnerError where a process died; KeyboardInterrupt where nothing was measured yet.
    """
    return _Measurement(arms, workloads, wanted, progress, remark, enough).run()


class _Measurement:
    def __init__(
        self,
        arms: Sequence[Arm],
        workloads: Sequence[Workload],
        wanted: Wanted,
        progress: Tell | None,
        remark: Remark | None,
        enough: Enough | None,
    ) -> None:
        self._workloads = tuple(workloads)
        self._wanted = wanted
        self._progress = progress or (lambda _: None)
        self._remark = remark or (lambda _: None)
        self._enough = enough
        self._facts = Facts(
            run=facts.new_id(),
            date=facts.now(),
            tool=facts.tool(),
            machine=facts.machine_facts(),
            seed=wanted.seed,
            confidence=wanted.confidence,
            prices=read_prices().at(wanted.price_per_kwh),
        )
        # Before anything runs: hashing a file would disturb it.
        files = {arm.located.path: arm.located for arm in arms}
        known = {
            path: (facts.model_file(located), read_whole_header(path))
            for path, located in files.items()
        }
        self._taken = [Taken(arm, facts.new_id(), *known[arm.located.path]) for arm in arms]
        self._processes: dict[str, ArmProcess] = {}
        self._open_arms = set[str]()
        self._in_turn = not together(arms, self._workloads)
        if self._in_turn:
            self._remark(
                "not all fit into memory together: they are loaded in turn, block by block"
            )
        self._began = 0.0
        self._block = 0
        self._stopped = ""

    def run(self) -> tuple[Record, ...]:
        try:
            try:
                self._open_all()
                self._warm_up()
                self._measure()
                self._measure_energy()
            except KeyboardInterrupt:
                if not any(any(taken.samples.values()) for taken in self._taken):
                    raise
                self._stopped = "interrupted"
        finally:
            interrupted = self._stopped in ("", "interrupted")
            for process in self._processes.values():
                process.close(at_once=interrupted)
        return self._records()

    def _records(self) -> tuple[Record, ...]:
        wanted = self._wanted
        method = Method(
            blocks=self._block,
            warm_ups=0,
            least_blocks=wanted.least_blocks,
            time_budget=wanted.time_budget if math.isfinite(wanted.time_budget) else 0.0,
            width=wanted.width,
            confidence=wanted.confidence,
            seed=wanted.seed,
            stopped=self._stopped,
            seconds=self._elapsed,
            looked=self._enough is not None,
        )
        done = [taken for taken in self._taken if taken.loaded is not None]
        return tuple(record(taken, self._facts, method) for taken in done)

    @property
    def _elapsed(self) -> float:
        """Seconds since the first run that counts."""
        return time.perf_counter() - self._began if self._began else 0.0

    def _open_all(self) -> None:
        """Load the arms, which says which tests they have room for. Loads are timed with no other
        model in memory."""
        for taken in self._taken:
            process = ArmProcess(taken.arm, self._workloads)
            self._processes[taken.arm.name] = process
        if self._wanted.loads:
            for taken in self._taken:
                self._time_load(taken)
        for taken in self._taken:
            if self._in_turn:
                self._only(taken)
            else:
                self._open(taken)

    def _time_load(self, taken: Taken) -> None:
        """Load it from the disk and run its first prompt; then load it again from memory."""
        process = self._processes[taken.arm.name]
        self._progress(Progress("loading", taken.arm.name))
        reason = page_cache.drop(taken.arm.located.paths)
        cold = process.open()
        first = next(
            (one for one in self._workloads if one.name not in cold.left_out and not one.depth
             and one.kind != "decode"), None,
        )  # fmt: skip
        if first is not None:
            sample = process.run(first, "cold")
            taken.cold_first_token = {first.name: sample.first_token_seconds}
        process.unload()
        warm = process.open()
        taken.load = Load(warm.seconds, None if reason else cold.seconds, reason)
        process.unload()

    def _only(self, taken: Taken) -> None:
        """Load this arm where it is not, and free the others."""
        for other in self._taken:
            if other is not taken and other.arm.name in self._open_arms:
                self._processes[other.arm.name].unload()
                self._open_arms.discard(other.arm.name)
        if taken.arm.name not in self._open_arms:
            self._open(taken)

    def _open(self, taken: Taken) -> None:
        self._progress(Progress("loading", taken.arm.name))
        known = taken.loaded is not None
        taken.loaded = loaded = self._processes[taken.arm.name].open()
        self._open_arms.add(taken.arm.name)
        if known:
            return
        for text in loaded.remarks:
            self._remark(text)
        fitting = [one for one in self._workloads if one.name not in loaded.left_out]
        for name, tokens in loaded.left_out.items():
            self._remark(
                f"{name} is left out for {taken.arm.name}: it needs {tokens} tokens, and the "
                f"context holds {loaded.configuration.context}"
            )
        if not fitting:
            raise ConfigurationError(
                f"no test fits the context of {taken.arm.name}",
                remedy="Ask for shorter tests, or for a larger --ctx.",
            )
        taken.samples = {one: [] for one in fitting}

    def _warm_up(self) -> None:
        """Run each test in full until two successive runs take about as long: that pages the
        weights in, fills caches and lets processors find their speed."""
        for taken in self._taken:
            if self._in_turn:
                self._only(taken)
            budget = WARM_UP_SHARE * min(self._wanted.time_budget, ENDLESS) / len(self._taken)
            began = time.perf_counter()
            for workload in taken.samples:
                before = math.inf
                for number in range(self._wanted.warm_ups):
                    self._progress(Progress("warming up", taken.arm.name, workload.name))
                    sample = self._processes[taken.arm.name].run(workload, f"warm-up {number}")
                    taken.warm_ups += 1
                    seconds = sample.prefill_seconds + sample.decode_seconds
                    steady = abs(seconds - before) < STEADY * before
                    if steady or time.perf_counter() - began > budget:
                        break
                    before = seconds
            self._note_memory(taken)

    def _note_memory(self, taken: Taken) -> None:
        """Its peaks, now that every test has run."""
        resident, device = self._processes[taken.arm.name].memory()
        own, file = resident or (None, None)
        reason = "" if resident else "this system does not tell"
        taken.memory = MemoryUse(own, file, device, reason)

    def _measure(self) -> None:
        self._began = time.perf_counter()
        while not (stopped := self._why_to_stop()):
            self._measure_block()
            self._block += 1
        self._stopped = stopped

    def _measure_block(self) -> None:
        seed = self._wanted.seed
        if self._in_turn:
            self._measure_block_in_turn()
            return
        for workload in order.shuffled(self._workloads, seed, self._block):
            those = [taken for taken in self._taken if workload in taken.samples]
            for position, (taken, half) in enumerate(
                order.mirrored(those, seed, self._block, workload.name)
            ):
                self._take(taken, workload, position, half)

    def _measure_block_in_turn(self) -> None:
        """All tests of one arm, then of the next, and backwards. What was loaded anew runs each
        test once before it counts."""
        seed, block = self._wanted.seed, self._block
        for position, (taken, half) in enumerate(order.mirrored(self._taken, seed, block, "")):
            if taken.arm.name not in self._open_arms:
                self._only(taken)
                for workload in taken.samples:
                    self._processes[taken.arm.name].run(workload, f"again {block} {half}")
            for workload in order.shuffled(list(taken.samples), seed, block):
                self._take(taken, workload, position, half)

    def _take(self, taken: Taken, workload: Workload, position: int, half: int) -> None:
        self._progress(self._now(taken, workload))
        if self._wanted.delay:
            time.sleep(self._wanted.delay)
        began = self._elapsed
        # Arms get the same prompts and draws in a block, so that these make no difference.
        draw = f"{self._wanted.seed} {self._block} {half}"
        sample = self._processes[taken.arm.name].run(workload, draw)
        taken.samples[workload].append(
            replace(sample, block=self._block, position=position, began=began)
        )

    def _now(self, taken: Taken, workload: Workload) -> Progress:
        share = self._elapsed / self._wanted.time_budget  # 0 of an endless one
        if self._wanted.most_blocks:
            share = max(share, self._block / self._wanted.most_blocks)
        share = min(share, 1.0)
        left = self._elapsed / share - self._elapsed if share > 0.02 else None
        return Progress("measuring", taken.arm.name, workload.name, self._block + 1, left, share)

    def _why_to_stop(self) -> str:
        """Why no other block is to be measured; "" where one is."""
        wanted, block = self._wanted, self._block
        if not block:
            return ""
        if wanted.most_blocks is not None and block >= wanted.most_blocks:
            return "blocks"
        confident = False
        if self._enough is not None:
            confident = self._enough(self._records())
        elif block >= wanted.least_blocks:
            confident = self._width() <= wanted.width
        if confident:
            return "confident"
        return "time" if self._elapsed * (block + 1) / block > wanted.time_budget else ""

    def _width(self) -> float:
        """The widest relative interval of a main figure."""
        return max(
            relative_width(test.summaries[0]) if test.summaries else 0.0
            for one in self._records()
            for test in one.tests
        )

    def _measure_energy(self) -> None:
        """Of the first prefill and the first decode from an empty cache, after the blocks: it takes
        a minute where there are meters, and nothing where there are none."""
        for taken in self._taken if self._wanted.energy else ():
            first = {one.kind: one for one in reversed(taken.samples) if not one.depth}
            prefill, decode = first.get("prefill"), first.get("decode")
            both = (("prefill", prefill), ("decode", decode))
            taken.energy_of = {of: one.name for of, one in both if one is not None}
            self._progress(Progress("energy", taken.arm.name))
            process = self._processes[taken.arm.name]
            if self._in_turn:
                self._only(taken)
            taken.energy = process.energy(prefill, decode)
