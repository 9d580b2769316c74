"""What other threads want done on the screen's thread waits here for the next frame."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from contextlib import suppress

FRAME = 1 / 12
"""Seconds between two drawings of what a reply says."""


class Frames:
    """Does what it is told in the order in which it was told, and draws after it. `tell` may be
    called from any thread, the rest is the screen's."""

    def __init__(self, draw: Callable[[], None], rest: Callable[[], None]) -> None:
        """`rest` shows what is done after the end."""
        self._draw = draw
        self._rest = rest
        self._waiting: deque[Callable[[], None]] = deque()
        self._woken = False
        self._drawn_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = contextvars.copy_context()
        self.over = False

    def begin(self) -> None:
        """From now on there are frames; on the loop's thread."""
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()

    def tell(self, what: Callable[[], None]) -> None:
        """Do `what` with the next frame; after the end, now."""
        self._waiting.append(what)
        if self.over:
            self._drain()
            self._rest()
        elif not self._woken and self._loop is not None:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed: `end` does what waits
                self._loop.call_soon_threadsafe(self._wake, context=self._context)

    def end(self) -> None:
        """There are no more frames."""
        self.over = True
        self._drain()
        self._rest()

    def _wake(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(max(self._drawn_at + FRAME, loop.time()), self._take_in)

    def _take_in(self) -> None:
        """Do what was told, and draw what it changed."""
        self._drawn_at = asyncio.get_running_loop().time()
        self._woken = False
        self._drain()
        self._draw()

    def _drain(self) -> None:
        while True:
            try:
                what = self._waiting.popleft()
            except IndexError:  # after the end another thread may take it first
                return
            what()
