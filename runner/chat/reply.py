"""One reply of a conversation: read as it is said, and kept as it is said."""

from collections.abc import Callable, Iterator
from typing import Protocol, Self

from runner.chat.chats import Growing
from runner.engine.events import Event, Finish, Timings
from runner.errors import RunnerError
from runner.prompt import Kind, Message, ToolCall, parse_tool_calls


class Streaming(Protocol):
    """Events as they are computed: the engine's stream, or several made one."""

    def __next__(self) -> Event: ...
    @property
    def finish(self) -> Finish: ...
    def cancel(self) -> None: ...


class Reply(Iterator[Event]):
    """The events of a reply. Read to the end, or left as a `with` block, it joins the turns."""

    def __init__(self, stream: Streaming, growing: Growing, over: Callable[[bool], None]) -> None:
        """`over` is called once, when the reply is: with whether anything was said."""
        self._stream = stream
        self._growing = growing
        self._over = over
        self._parts: dict[Kind, list[str]] = {"reasoning": [], "answer": [], "tool_call": []}
        self.ended = False
        self.kept = False
        """Whether it has ended and became a turn."""

    def __next__(self) -> Event:
        try:
            event = next(self._stream)
        except StopIteration:
            unsaid = self.finish.reason == "cancelled" and not self.spoke
            self._end(None if unsaid else self.finish)
            raise
        except Exception:
            # What was said before a failure is said: as where a person stopped it.
            self._end(BROKEN_OFF if self.spoke else None)
            raise
        self._parts[event.kind].append(event.text)
        self._growing.feed(event.kind, event.text)
        return event

    @property
    def spoke(self) -> bool:
        """Whether anything has been said so far."""
        return any(self._parts.values())

    @property
    def message(self) -> Message:
        """What has been said so far, as a turn."""
        answer, calls = self.text("answer").strip(), self.text("tool_call").strip()
        tool_calls: tuple[ToolCall, ...] = ()
        try:
            tool_calls = tuple(parse_tool_calls(calls))
        except RunnerError:
            answer = f"{answer}\n{calls}".strip()  # no call, but the model should see what it said
        return Message("assistant", answer, self.text("reasoning").strip(), tool_calls)

    @property
    def finish(self) -> Finish:
        """Why the reply ended, with counts and timings. Only after the last event."""
        return self._stream.finish

    def text(self, kind: Kind) -> str:
        """What has been said so far of a kind, to the letter."""
        return "".join(self._parts[kind])

    def cancel(self) -> None:
        """Stop at once, from any thread; the events sampled until then still come."""
        self._stream.cancel()

    def _end(self, finish: Finish | None) -> None:
        if self.ended:
            return
        self.ended, self.kept = True, finish is not None
        try:
            if finish is None:
                self._growing.discard()
            else:
                self._growing.finish(self.message, finish)
        finally:
            self._over(finish is not None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.ended:
            self.cancel()
            for _event in self:
                pass


BROKEN_OFF = Finish("cancelled", Timings(0, 0, 0.0, 0, 0.0, 0.0, 0.0), seed=0)
"""How a reply ended of which nothing is known but that it failed."""
