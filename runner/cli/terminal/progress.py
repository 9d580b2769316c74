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

PATIENCE = 0.4  # seconds that may pass unexplained
STEP = 10  # percent between two plain lines


class PassingLine:
    """A line that tells what goes on and leaves no trace. `show` may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._active = sys.stderr.isatty() and not settings.quiet and not settings.verbose
        self._started = time.monotonic()
        self._shown = False

    def show(self, text: str) -> None:
        if self._active and time.monotonic() - self._started > PATIENCE:
            self._shown = True
            sys.stderr.write(f"\r{dim(clean(text), sys.stderr)}\x1b[K")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away. It may be shown again, after the same patience."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._shown = False
        self._started = time.monotonic()


class TransferProgress:
    """The progress of one or more files, one after another. Call it with each file's state."""

    def __init__(self, settings: Settings) -> None:
        self._quiet = bool(settings.quiet)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._file: str | None = None
        self._step = 0

    def __call__(self, file: str, done: int, total: int) -> None:
        if self._quiet:
            return
        if file != self._file:
            self._begin(file, done, total)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done)
        elif (step := done * 100 // max(total, 1) // STEP) > self._step:
            self._step = step
            note(f"{file}: {size(done)} of {size(total)} ({step * STEP} %)")

    def _begin(self, file: str, done: int, total: int) -> None:
        self._file = file
        self._step = done * 100 // max(total, 1) // STEP
        start = f"continuing at {size(done)} of" if done else "fetching"
        if sys.stderr.isatty():
            self._bar = self._bar or _bar()
            if done:
                self._bar.console.print(f"{start} {size(total)}", style="dim", highlight=False)
            self._task = self._bar.add_task(clean(file), total=total, completed=done)
        else:
            note(f"{file}: {start} {size(total)}")

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
