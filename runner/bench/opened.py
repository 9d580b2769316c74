"""The arms of a measurement, each in its process: loaded beside each other, or in turn where memory
does not hold them all."""

import contextlib
from collections.abc import Callable, Sequence

from runner.bench import page_cache
from runner.bench.arm_process import ArmProcess
from runner.bench.bench_model import Loaded
from runner.bench.record import Load, MemoryUse
from runner.bench.records import Taken
from runner.bench.wanted import Progress
from runner.bench.workloads import Workload
from runner.errors import ConfigurationError, RunnerError


class Opened:
    """Close it. `tell` is told what is loaded; `waiting` is called again and again while a process
    works; `remark` is told what an arm says of itself, and which tests it has no room for."""

    def __init__(
        self,
        arms: Sequence[Taken],
        workloads: tuple[Workload, ...],
        *,
        in_turn: bool,
        tell: Callable[[Progress], None],
        waiting: Callable[[], None],
        remark: Callable[[str], None],
    ) -> None:
        self._arms = arms
        self._workloads = workloads
        self.in_turn = in_turn
        self._tell = tell
        self._waiting = waiting
        self._remark = remark
        self._processes: dict[str, ArmProcess] = {}
        self._loaded = set[str]()

    def start(self) -> None:
        """Start the processes, with no model in them."""
        for taken in self._arms:
            self._processes[taken.arm.name] = ArmProcess(
                taken.arm, self._workloads, waiting=self._waiting
            )
        family = tuple(process.pid for process in self._processes.values())
        for process in self._processes.values():
            process.family = family

    def of(self, taken: Taken) -> ArmProcess:
        """The arm's process."""
        return self._processes[taken.arm.name]

    def need(self, taken: Taken) -> bool:
        """Load this arm where it is not, which says which tests it has room for, and free the
        others first where they take turns. Whether it was loaded for that. Raises what `measure`
        raises of the arm."""
        if taken.arm.name in self._loaded:
            return False
        if self.in_turn:
            self.free()
        self._tell(Progress("loading", taken.arm.name))
        self._note(taken, self.of(taken).open())
        return True

    def free(self) -> None:
        """Free all models. A process that died has freed its own; it is whoever needs it that finds
        it dead."""
        for name in self._loaded:
            with contextlib.suppress(RunnerError):
                self._processes[name].unload()
        self._loaded.clear()

    def give_up(self, taken: Taken) -> None:
        """End the process of an arm that failed."""
        self._loaded.discard(taken.arm.name)
        self.of(taken).close(at_once=True)

    def time_load(self, taken: Taken) -> None:
        """Load it from the disk and run its first prompt; then load it again from memory, where the
        last one stays. No other model may be in memory."""
        process = self.of(taken)
        self._tell(Progress("loading", taken.arm.name))
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
        if taken is self._arms[-1]:
            self._note(taken, warm)
        else:
            process.unload()

    def _note(self, taken: Taken, loaded: Loaded) -> None:
        """What it said of itself; the first time that is passed on."""
        self._loaded.add(taken.arm.name)
        known, taken.loaded = taken.loaded is not None, loaded
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

    def note_memory(self, taken: Taken) -> None:
        """The arm's peaks so far."""
        resident, device = self.of(taken).memory()
        own, file = resident or (None, None)
        reason = "" if resident else "this system does not tell"
        taken.memory = MemoryUse(own, file, device, reason)

    def close(self, *, at_once: bool) -> None:
        """End the processes; `at_once` without waiting for what they are at."""
        for process in self._processes.values():
            process.close(at_once=at_once)
