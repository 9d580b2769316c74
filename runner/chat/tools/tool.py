"""What every tool is to the toolbox, wherever it comes from."""

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

_TURN = 0.2


class ToolFailed(Exception):
    """A call that came to nothing; its message is told to the model."""


class Tool(Protocol):
    """A function with a name, described to the model. `source` tells apart two of one name."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]:
        """A JSON schema of an object."""

    def start(self, arguments: dict[str, Any]) -> Future[str]:
        """Begin a call, which goes on beside the caller. The future gives its result as text, or
        raises ToolFailed; cancelling it makes the call stop as far as it can."""


def awaited(future: Future[T], limit: float) -> T:
    """The future's result; TimeoutError where there is none after `limit` seconds. It is waited for
    in short turns, because Ctrl-C does not interrupt a wait on Windows."""
    until = monotonic() + limit
    while not future.done() and (left := until - monotonic()) > 0:
        with suppress(TimeoutError):
            return future.result(min(left, _TURN))
    return future.result(0)
