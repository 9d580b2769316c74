"""Measuring arms beside each other: warm-up, blocks, and when it is enough."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from runner.bench import facts, order, warm_up
from runner.bench.admission import Lost, admitted
from runner.bench.arms import Arm
from runner.bench.opened import Opened
from runner.bench.prices import read_prices
from runner.bench.record import Method, Record, TestKind
from runner.bench.records import Facts, Taken, main_figures, record, without_energy
from runner.bench.room import together
from runner.bench.sessions import Sessions, loading_order
from runner.bench.statistics import relative_width
from runner.bench.verdicts import Looks
from runner.bench.wanted import Progress, Wanted
from runner.bench.workloads import Workload
from runner.errors import RunnerError
from runner.machine.rates import raise_ceiling

CHECKED_AGAIN = 1.1
"""Times as many blocks until intervals are looked at again: looking costs time that grows with
them, and an interval that is looked at all the time is sooner narrow by chance."""

ENERGY_OF: tuple[TestKind, ...] = ("prefill", "decode")

__all__ = ["Progress", "Wanted", "interrupted", "measure"]

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
    lost: Lost | None = None,
) -> tuple[Record, ...]:
    """A record for each arm, in their order. Each is measured in a process of its own, and they
    take turns in blocks. `enough` can end it: it is asked at a few moments of the time budget
    (`shift.LOOKS`), because each look costs certainty, and where there is no end ever more
    seldom. `remark` is told what was chosen or left out. Ctrl-C ends it with what was measured so
    far. `lost` is told of an arm that fails, and why: the others go on without it, and what it gave
    until then is kept; an arm that gave nothing has no record.

    Raises what loading a model raises, ConfigurationError where no workload fits an arm's context,
    RunnerError where a process died: of any arm without `lost`, and with it where no arm gave
    anything. KeyboardInterrupt where nothing was measured yet.
    """
    return _Measurement(arms, workloads, wanted, progress, remark, enough, lost).run()


def interrupted(records: Sequence[Record]) -> bool:
    """Whether Ctrl-C ended their blocks."""
    return any(one.method is not None and one.method.stopped == "interrupted" for one in records)


class _Measurement:
    def __init__(
        self,
        arms: Sequence[Arm],
        workloads: Sequence[Workload],
        wanted: Wanted,
        progress: Tell | None,
        remark: Remark | None,
        enough: Enough | None,
        lost: Lost | None,
    ) -> None:
        self._workloads = tuple(workloads)
        self._wanted = wanted
        self._progress = progress or (lambda _: None)
        self._remark = remark or (lambda _: None)
        self._enough, self._lost = enough, lost
        self._looks = Looks(wanted.time_budget)
        self._check = 1 if enough is not None else wanted.least_blocks
        self._facts = Facts(
            run=facts.new_id(),
            date=facts.now(),
            tool=facts.tool(),
            machine=facts.machine_facts(),
            seed=wanted.seed,
            confidence=wanted.confidence,
            ceiling=wanted.ceiling,
            prices=read_prices().at(wanted.price_per_kwh),
        )
        self._now: Callable[[], Progress] | None = None
        self._taken = admitted(arms, lost, self._tell)
        self._opened = Opened(
            self._taken,
            self._workloads,
            in_turn=not together([taken.arm for taken in self._taken], self._workloads),
            tell=self._tell,
            waiting=self._tell_again,
            remark=self._remark,
        )
        if self._opened.in_turn:
            self._remark(
                "not all fit into memory together: they are loaded in turn, block by block"
            )
        self._began = self._ended = 0.0
        self._block, self._in_blocks = 0, 0.0
        self._sessions: Sessions | None = None
        self._anew = 0.0
        self._stopped = ""

    def run(self) -> tuple[Record, ...]:
        whole = False
        try:
            whole = self._run()
        finally:
            try:
                self._opened.close(at_once=not whole)
            except KeyboardInterrupt:  # it would take the figures with it
                self._opened.close(at_once=True)
        return self._records()

    def _run(self) -> bool:
        """Whether all was measured, and Ctrl-C did not end it."""
        try:
            self._open()
            self._warm_up()
            self._measure()
        except KeyboardInterrupt:
            if not any(any(taken.samples.values()) for taken in self._taken):
                raise
            self._stopped = "interrupted"
            return False
        try:
            self._doubt_the_ceiling()
            self._measure_energy()
        except KeyboardInterrupt:
            self._remark("stopped after the blocks: their figures are whole")
            return False
        return True

    @property
    def _going(self) -> list[Taken]:
        """The arms that did not fail."""
        return [taken for taken in self._taken if not taken.failed]

    @contextlib.contextmanager
    def _may_fail(self, taken: Taken) -> Iterator[None]:
        """Around what is done for this arm alone: where that fails the others go on."""
        try:
            yield
        except RunnerError as error:
            if self._lost is None:
                raise
            taken.failed = True
            self._opened.give_up(taken)
            self._lost(taken.arm, error)
            if not self._going and not any(any(one.samples.values()) for one in self._taken):
                raise

    def _each(self, do: Callable[[Taken], object]) -> None:
        for taken in self._going:
            with self._may_fail(taken):
                do(taken)

    def _open(self) -> None:
        self._opened.start()
        if self._wanted.loads:
            self._each(self._opened.time_load)
        self._each(self._opened.need)

    def _records(self, *, whole: bool = True) -> tuple[Record, ...]:
        """Of the samples so far. Only whole ones are held against the ceiling, which may have to be
        measured anew before a figure is refused for it."""
        wanted = self._wanted
        known = self._facts if whole else replace(self._facts, ceiling=False)
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
            loads=self._sessions.number + 1 if self._sessions else 1,
        )
        return tuple(
            record(taken, known, replace(method, stopped="failed") if taken.failed else method)
            for taken in self._taken
            if taken.loaded is not None and (any(taken.samples.values()) or not taken.failed)
        )

    @property
    def _elapsed(self) -> float:
        """Seconds since the first run that counts, until the last one was done."""
        if not self._began:
            return 0.0
        return (self._ended or time.perf_counter()) - self._began

    def _tell(self, now: Progress) -> None:
        """Tell what begins; while it lasts, that is told again."""
        self._tell_anew(lambda: now)

    def _tell_anew(self, now: Callable[[], Progress]) -> None:
        self._now = now
        self._tell_again()

    def _tell_again(self) -> None:
        if self._now is not None:
            self._progress(self._now())

    def _warm_up(self) -> None:
        whole = warm_up.SHARE * min(self._wanted.time_budget, warm_up.ENDLESS)
        self._each(lambda taken: self._warm_up_arm(taken, whole / len(self._taken)))

    def _warm_up_arm(self, taken: Taken, seconds: float) -> None:
        before, arm = self._taken.index(taken), taken.arm.name

        def tell(workload: Workload, done: float) -> None:
            share = (before + done) / len(self._taken)
            self._tell(Progress("warming up", arm, workload.name, share=share))

        self._opened.need(taken)
        run = self._opened.of(taken).run
        warm_up.warm_up(taken, run, most=self._wanted.warm_ups, seconds=seconds, tell=tell)
        self._opened.note_memory(taken)

    def _measure(self) -> None:
        self._began = time.perf_counter()
        self._sessions = self._planned_sessions()
        try:
            while not (stopped := self._why_to_stop()):
                self._load_anew_where_due()
                self._measure_block()
                self._block += 1
                self._in_blocks = self._elapsed - self._anew
        finally:
            self._ended = time.perf_counter()
        self._stopped = stopped

    def _planned_sessions(self) -> Sessions | None:
        """None of one arm, and of those that are loaded in turn anyway."""
        whole = self._seconds_at_most()
        if len(self._going) < 2 or self._opened.in_turn or math.isinf(whole):
            return None
        loading = sum(taken.loaded.seconds for taken in self._taken if taken.loaded)
        return Sessions(whole, loading + self._block_as_warmed_up() / 2)

    def _load_anew_where_due(self) -> None:
        """Each test runs once before it counts."""
        if self._sessions is None or not self._sessions.due(self._share):
            return
        number, began = self._sessions.number, self._elapsed
        self._opened.free()
        for taken in loading_order(self._going, self._wanted.seed, number):
            with self._may_fail(taken):
                self._opened.need(taken)
        self._each(lambda taken: self._run_uncounted(taken, f"anew {number}"))
        self._anew += self._elapsed - began

    def _run_uncounted(self, taken: Taken, draw: str) -> None:
        for workload in taken.samples:
            self._tell(Progress("warming up", taken.arm.name, workload.name))
            self._opened.of(taken).run(workload, draw)

    @property
    def _share(self) -> float:
        """How much of the measurement is done, of its blocks or of its time."""
        most = self._wanted.most_blocks
        return max(self._block / most if most else 0.0, self._elapsed / self._wanted.time_budget)

    def _measure_block(self) -> None:
        seed = self._wanted.seed
        if self._opened.in_turn:
            self._measure_block_in_turn()
            return
        for workload in order.shuffled(self._workloads, seed, self._block):
            those = [taken for taken in self._going if workload in taken.samples]
            for position, (taken, half) in enumerate(
                order.mirrored(those, seed, self._block, workload.name)
            ):
                with self._may_fail(taken):
                    self._take(taken, workload, position, half)

    def _measure_block_in_turn(self) -> None:
        """All tests of one arm, then of the next, and backwards. What was loaded anew runs each
        test once before it counts."""
        seed, block = self._wanted.seed, self._block
        for position, (taken, half) in enumerate(order.mirrored(self._going, seed, block, "")):
            if taken.failed:
                continue
            with self._may_fail(taken):
                if self._opened.need(taken):
                    self._run_uncounted(taken, f"again {block} {half}")
                for workload in order.shuffled(list(taken.samples), seed, block):
                    self._take(taken, workload, position, half)

    def _take(self, taken: Taken, workload: Workload, position: int, half: int) -> None:
        """A run that counts; none of an arm that failed since the block began."""
        if taken.failed:
            return
        self._tell_anew(lambda: self._measuring(taken, workload))
        if self._wanted.delay:
            time.sleep(self._wanted.delay)
        began = self._elapsed
        # Arms get the same prompts and draws in a block, so that these make no difference.
        draw = f"{self._wanted.seed} {self._block} {half}"
        sample = self._opened.of(taken).run(workload, draw)
        taken.samples[workload].append(
            replace(sample, block=self._block, position=position, began=began)
        )

    def _measuring(self, taken: Taken, workload: Workload) -> Progress:
        most, elapsed = self._wanted.most_blocks, self._elapsed
        whole = self._seconds_at_most()
        share = self._block / most if most else elapsed / whole  # 0 of an endless one
        return Progress(
            "measuring",
            taken.arm.name,
            workload.name,
            self._block + 1,
            max(0.0, whole - elapsed) if whole < math.inf else None,
            min(share, 1.0),
        )

    def _seconds_at_most(self) -> float:
        """What all blocks take, as far as can be told: there is always one, and until it is done
        the warm-up tells how long it takes."""
        budget, most = self._wanted.time_budget, self._wanted.most_blocks
        block = self._in_blocks / self._block if self._block else self._block_as_warmed_up()
        loading = self._anew + (self._sessions.to_come if self._sessions else 0.0)
        return max(block, budget if most is None else min(budget, most * block + loading))

    def _block_as_warmed_up(self) -> float:
        each = product(self._going, self._workloads)
        runs = [taken.seconds[test] for taken, test in each if test in taken.seconds]
        return 2 * (sum(runs) + len(runs) * self._wanted.delay)

    def _why_to_stop(self) -> str:
        """Why no other block is to be measured; "" where one is."""
        wanted, block = self._wanted, self._block
        if not self._going:
            return "failed"
        if not block:
            return ""
        if wanted.most_blocks is not None and block >= wanted.most_blocks:
            return "blocks"
        if self._is_balanced and self._is_time_to_check() and self._is_enough():
            return "confident"
        return "time" if self._elapsed * (block + 1) / block > wanted.time_budget else ""

    @property
    def _is_balanced(self) -> bool:
        """Whether no arm had more of being loaded last than another."""
        return self._sessions is None or self._sessions.balanced(self._share)

    def _is_time_to_check(self) -> bool:
        if self._enough is not None and math.isfinite(self._wanted.time_budget):
            return self._looks.due(self._elapsed)
        if self._block < self._check:
            return False
        self._check = math.ceil(self._block * CHECKED_AGAIN)
        return True

    def _is_enough(self) -> bool:
        """What the caller says of the records so far; else whether all intervals of main figures
        are narrow enough."""
        if self._enough is not None:
            return self._enough(self._records(whole=False))
        return all(
            relative_width(figure) <= self._wanted.width
            for taken in self._going
            for figure in main_figures(taken, self._wanted.confidence)
        )

    def _doubt_the_ceiling(self) -> None:
        """Measure it anew before a figure is refused for it: it may have been measured in a slower
        moment than this one."""
        if not self._wanted.ceiling or not any(
            "IMPLAUSIBLE" in one.flags for one in self._records()
        ):
            return
        self._tell(Progress("measuring the ceiling of", "this machine"))
        try:
            raise_ceiling()
        except RunnerError as error:
            self._remark(f"the ceiling of this machine is not measured anew: {error.message}")
        self._facts = replace(self._facts, machine=facts.machine_facts())

    def _measure_energy(self) -> None:
        """Of the first prefill and the first decode from an empty cache, after the blocks: it takes
        a minute where there are meters, and nothing where there are none."""
        if not self._wanted.energy:
            return
        for taken in self._taken:
            first = {one.kind: one.name for one in reversed(taken.samples) if not one.depth}
            taken.energy_of = {of: first[of] for of in ENERGY_OF if of in first}
            taken.energy = without_energy(taken.energy_of, "it was stopped before")
        for taken in self._going:
            self._tell(Progress("energy", taken.arm.name))
            tests = {one.name: one for one in taken.samples}
            prefill, decode = (tests.get(taken.energy_of.get(of, "")) for of in ENERGY_OF)
            try:
                self._opened.need(taken)
                taken.energy = self._opened.of(taken).energy(prefill, decode)
            except RunnerError as error:  # its figures are whole
                taken.energy = without_energy(taken.energy_of, error.message)
