"""An arm in a process of its own: two models in one would share a pool of threads, which slows
both, and memory, load times and crashes would not be each one's own."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from runner.bench.arms import Arm
from runner.bench.bench_model import BenchModel, Loaded
from runner.bench.record import Energy, Sample
from runner.bench.workloads import Workload
from runner.errors import RunnerError

WAKE_SECONDS = 0.2
TELL_SECONDS = 1.0
PATIENCE = 5.0  # seconds that a process has to end by itself


class ArmProcess:
    """The parent's side. Starts the process; `open` loads the model in it. Any call raises what the
    model raised, and RunnerError where the process ended; on Ctrl-C `close` ends it at once.

    `waiting` is called each second while a call takes longer. `family` are the numbers of the
    processes of all arms: what they take of the machine is not taken by others.
    """

    def __init__(
        self,
        arm: Arm,
        workloads: tuple[Workload, ...],
        *,
        waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self.arm = arm
        self.family: tuple[int, ...] = ()
        self._workloads = workloads
        self._waiting = waiting
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs,), name="runner-bench", daemon=True
        )
        with _interrupts_held():
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid or 0

    def open(self) -> Loaded:
        """Load the model, again where it was closed before."""
        loaded: Loaded = self._ask("open", self.arm, self._workloads, self.family)
        return loaded

    def unload(self) -> None:
        """Free the model; `open` loads it again."""
        self._ask("unload")

    def run(self, workload: Workload, draw: str) -> Sample:
        """See `BenchModel.run`."""
        sample: Sample = self._ask("run", workload, draw)
        return sample

    def memory(self) -> tuple[tuple[int, int] | None, int | None]:
        """See `BenchModel.memory`."""
        peaks: tuple[tuple[int, int] | None, int | None] = self._ask("memory")
        return peaks

    def energy(self, prefill: Workload | None, decode: Workload | None) -> tuple[Energy, ...]:
        """See `BenchModel.energy`."""
        found: tuple[Energy, ...] = self._ask("energy", prefill, decode)
        return found

    def _ask(self, name: str, *arguments: object) -> Any:
        try:
            self._pipe.send((name, arguments))
            self._wait()
            succeeded, answer = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(PATIENCE)
            raise RunnerError(
                f"{self.arm.name}: the process that measures ended "
                f"(exit status {self._process.exitcode})",
                remedy="--verbose shows llama.cpp's log; `runner verify` checks the file.",
            ) from None
        if succeeded:
            return answer
        raise _rebuilt(*answer)

    def _wait(self) -> None:
        told = time.monotonic()
        while not self._pipe.poll(WAKE_SECONDS):  # a blocked wait has no Ctrl-C on Windows
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self._waiting()

    def close(self, *, at_once: bool = False) -> None:
        """End the process; `at_once` without waiting for what it is at."""
        with contextlib.suppress(OSError):
            self._pipe.close()  # it ends when nobody asks any more
        if not at_once:
            self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """A process that is started here does not get Ctrl-C: it inherits that the signal is held."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it, as the first process would, lets signals go
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: "Connection[Any, Any]") -> None:
    """The child's side: do what is asked until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what it means is the parent's to decide
    _end_with_parent()
    model: BenchModel | None = None
    while True:
        try:
            name, arguments = pipe.recv()
        except (EOFError, OSError):
            break
        try:
            answer: Any = None
            if name in ("open", "unload"):
                if model is not None:
                    model.close()
                model = None
                if name == "open":
                    model = BenchModel(*arguments)
                    answer = model.loaded
            else:
                answer = getattr(model, name)(*arguments)
        except Exception as error:
            pipe.send((False, _parts(error)))
        else:
            pipe.send((True, answer))
    if model is not None:
        model.close()


Parts = tuple[type[RunnerError], tuple[Any, ...], dict[str, Any]]


def _parts(error: Exception) -> Parts:
    """What an error is made of, to be raised again by the parent with a note of where it was raised
    here. An error's own way to be copied calls its class with its message alone, and some need
    more. What is no RunnerError becomes one."""
    if not isinstance(error, RunnerError):
        error.add_note("".join(traceback.format_exception(error)))
        notes = error.__notes__
        error = RunnerError(
            f"{type(error).__name__}: {error}",
            remedy="This should not happen. RUNNER_DEBUG=1 shows where it did.",
        )
        error.__notes__ = notes
    return type(error), error.args, vars(error)


def _rebuilt(kind: type[RunnerError], arguments: tuple[Any, ...], state: dict[str, Any]) -> Any:
    error = kind.__new__(kind, *arguments)
    vars(error).update(state)
    return error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        sys.stderr.flush()
        os._exit(1)

    threading.Thread(target=watch, name="runner-parent", daemon=True).start()
