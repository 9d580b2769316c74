"""While a screen is drawn, whoever prints to stdout or stderr gets lines on it instead."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Lines(io.TextIOBase):
    """A stream that hands on whole lines."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self._show("\n".join(lines))
        return len(text)

    def writable(self) -> bool:
        return True

    def rest(self) -> None:
        """Hand on a line that was begun."""
        if self._begun:
            self.write("\n")


@contextmanager
def redirected(show: Callable[[str], None]) -> Iterator[None]:
    """In this block what is printed is given to `show`, line by line."""
    before = sys.stdout, sys.stderr
    out, err = Lines(show), Lines(show)
    sys.stdout, sys.stderr = out, err
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        out.rest()
        err.rest()
