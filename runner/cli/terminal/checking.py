"""Progress of files that are read to be checked: a passing line for a person at a terminal, and
elsewhere a plain line now and then."""

import sys
import time
from types import TracebackType
from typing import Self

from runner.cli.output import note
from runner.cli.terminal.progress import PassingLine
from runner.cli.words import size
from runner.settings import Settings

APART = 10.0
"""Seconds between two plain lines."""


class CheckProgress:
    """Call it with a file's name, the bytes that were read and those there are."""

    def __init__(self, settings: Settings) -> None:
        self._line = PassingLine(settings)
        self._plain = not settings.quiet and not sys.stderr.isatty()
        self._due = time.monotonic() + APART

    def __call__(self, file: str, done: int, total: int) -> None:
        text = f"checking {file}: {size(done)} of {size(total)}"
        self._line.show(text)
        if self._plain and time.monotonic() >= self._due:
            self._due = time.monotonic() + APART
            note(text)

    def clear(self) -> None:
        """Take the line away."""
        self._line.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()
