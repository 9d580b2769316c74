"""Progress on stderr: a line that is overwritten while something takes long, and a transfer's bar.

Both are for a person at a terminal; elsewhere the line is silent, and the bar becomes plain lines.
"""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from runner.cli.output import note
from runner.cli.terminal.clean import clean
from runner.cli.terminal.style import dim
from runner.cli.words import size
from runner.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0  # seconds that may pass unexplained
REDRAWN = 0.1  # seconds between two states of a line
STEP = 10  # percent between two plain lines


class PassingLine:
    """A line that tells what goes on and leaves no trace. `show` may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._active = sys.stderr.isatty() and not settings.quiet and not settings.verbose
        self._due = time.monotonic() + PATIENCE
        self._shown = False

    def show(self, text: str) -> None:
        now = time.monotonic()
        if self._active and now >= self._due:
            self._due = now + REDRAWN
            self._shown = True
            sys.stderr.write(f"\r{dim(clean(text), sys.stderr)}\x1b[K")
            sys.stderr.flush()

    def reading(self, done: int, total: int) -> None:
        """How far a prompt has been read."""
        self.show(f"read {done} of {total} tokens")

    def clear(self) -> None:
        """Take the line away. It may be shown again, after the same patience."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._shown = False
        self._due = time.monotonic() + PATIENCE


class TransferProgress:
    """The progress of transfers, one after another. Call it with what is transferred, the bytes of
    it that are here, and those there are in all.

    The first call says what was on this disk before, which counts neither as fetched nor for the
    rate. What is less than before is not shown.
    """

    def __init__(self, settings: Settings) -> None:
        self._quiet = bool(settings.quiet)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._name: str | None = None
        self._latest = self._step = 0

    @property
    def started(self) -> bool:
        return self._name is not None

    def remark(self, text: str) -> None:
        """A line that may be left out, above the bar where there is one."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(clean(text), style="dim", markup=False, highlight=False)
        else:
            note(text)

    def __call__(self, name: str, done: int, total: int) -> None:
        if self._quiet:
            return
        if name != self._name:
            self._start(name, done, total)
        if done <= self._latest:
            return
        self._latest = done
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done)
        elif (step := _step(done, total)) > self._step:
            self._step = step
            self.remark(f"{name}: {size(done)} of {size(total)} ({step * STEP} %)")

    def _start(self, name: str, before: int, total: int) -> None:
        self._name, self._latest = name, before
        self._step = _step(before, total)
        if before == total:
            self.remark(f"{name} is here; checking it")
        elif before:
            self.remark(f"{name}: continuing at {size(before)} of {size(total)}")
        elif not sys.stderr.isatty():
            self.remark(f"{name}: fetching {size(total)}")
        if sys.stderr.isatty():
            self._bar = self._bar or _bar()
            self._task = self._bar.add_task(clean(name), total=total, completed=before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _step(done: int, total: int) -> int:
    return done * 100 // max(total, 1) // STEP


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    bar.start()
    return bar
