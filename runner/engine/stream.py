"""A request on its way through the decode loop, and the stream its caller iterates."""

import queue
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

from runner.engine.events import Event, Finish
from runner.engine.options import Options
from runner.prompt import Prompt

ReadProgress = Callable[[int, int], None]
"""Called on the loop's thread with (tokens read, tokens to read) while a prompt is read."""

# A blocked `get` cannot be interrupted by Ctrl-C on Windows, so there it wakes up to look.
WAKE_SECONDS = 0.5 if sys.platform == "win32" else None


T = TypeVar("T")

Item = Event | Finish | BaseException


class Outbox(Protocol):
    """Where the loop's thread puts events, then a Finish or an exception."""

    def put(self, item: Item, /) -> None: ...


@dataclass(slots=True, eq=False)
class Request:
    """What the loop needs to know, and where it answers."""

    prompt: Prompt
    tokens: list[int]
    boundary: int
    """How many of the tokens the next prompt is likely to begin with too."""
    options: Options
    progress: ReadProgress | None
    leader: "Request | None" = None
    """A request with the same prompt, submitted before: this one waits until it has been read, and
    goes on from there."""
    submitted: float = field(default_factory=time.perf_counter)
    cancelled: bool = False
    outbox: Outbox = field(default_factory=queue.SimpleQueue[Item])


class Canceller(Protocol):
    def cancel(self, *requests: Request) -> None: ...


def receive(items: "queue.SimpleQueue[T]") -> T:
    """The next item, when it is there; Ctrl-C ends the waiting."""
    while True:
        try:
            return items.get(timeout=WAKE_SECONDS)
        except queue.Empty:
            continue


class Stream(Iterator[Event]):
    """The events of one reply, as they are sampled. Leaving its `with` block cancels it."""

    def __init__(self, request: Request, loop: Canceller) -> None:
        """Make it before the request is submitted: from then on it has the answers."""
        self._items = queue.SimpleQueue[Item]()
        request.outbox = self._items
        self._request = request
        self._loop = loop
        self._finish: Finish | None = None

    def __next__(self) -> Event:
        if self._finish is not None:
            raise StopIteration
        item = receive(self._items)
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, Finish):
            self._finish = item
            raise StopIteration
        return item

    @property
    def finish(self) -> Finish:
        """Why the reply ended, with counts and timings. Only after the last event."""
        if self._finish is None:
            raise RuntimeError("the stream has not been read to its end")
        return self._finish

    def cancel(self) -> None:
        """Stop at once, from any thread. What was sampled is still delivered, then the finish."""
        self._loop.cancel(self._request)

    def drain(self) -> Finish:
        """Read what is left and return the finish."""
        for _ in self:
            pass
        return self.finish

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._finish is None:
            self.cancel()
