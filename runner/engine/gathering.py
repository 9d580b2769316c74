"""Many replies that nobody reads along, whole and as they end.

Each token of a stream wakes the thread that iterates it, which takes the processor from those that
compute. Here the loop's own thread collects what replies say, and nobody wakes before one has
ended.
"""

import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from runner.engine.events import Event, Finish
from runner.engine.stream import Canceller, Item, Request, receive


@dataclass(slots=True, eq=False)
class Reply:
    """One of many: `number` is its place among what was asked."""

    number: int
    events: list[Event] = field(default_factory=list)
    finish: Finish | None = None
    error: BaseException | None = None


class Loop(Canceller, Protocol):
    def submit(self, wanted: list[Request]) -> None: ...


class _Collected:
    """An outbox that keeps what a reply says until it has ended."""

    def __init__(self, number: int, ended: "queue.SimpleQueue[Reply]") -> None:
        self._reply, self._ended = Reply(number), ended

    def put(self, item: Item, /) -> None:
        if isinstance(item, Event):
            self._reply.events.append(item)
            return
        if isinstance(item, Finish):
            self._reply.finish = item
        else:
            self._reply.error = item
        self._ended.put(self._reply)


class Gathering(Iterator[Reply]):
    """Iterate it, in a `with` block, which cancels what has not ended when it is left."""

    def __init__(self, requests: Sequence[Request], loop: Loop) -> None:
        self._requests = list(requests)
        self._left = len(self._requests)
        self._ended = queue.SimpleQueue[Reply]()
        self._loop = loop
        for number, request in enumerate(self._requests):
            request.outbox = _Collected(number, self._ended)
        loop.submit(self._requests)

    def __next__(self) -> Reply:
        """The next that ended. Raises what made it fail."""
        if not self._left:
            raise StopIteration
        reply = receive(self._ended)
        self._left -= 1
        if reply.error is not None:
            raise reply.error
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._left:
            self._loop.cancel(*self._requests)
