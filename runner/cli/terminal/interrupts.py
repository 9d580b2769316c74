"""Ctrl-C while something runs: the first asks it to stop, the second raises as usual."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """In this block Ctrl-C calls `stop`, and only another one raises KeyboardInterrupt.

    An exception may break into any line, also into a callback from C, where Python can only print
    it. A request to stop cannot. Signals reach the main thread alone: use it there.
    """

    def first(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """In this block a SIGTERM, which by itself would end the process at once, is a Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def on_termination(ask: Callable[[int], None]) -> Iterator[None]:
    """In this block a signal that would end the process calls `ask` with its number."""

    def asked(number: int, _frame: FrameType | None) -> None:
        ask(number)

    names = ("SIGTERM", "SIGHUP")  # Windows has the first alone
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = [signal.signal(number, asked) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
