"""A conversation with a model: its turns in order, and one reply at a time.

A reply becomes part of the conversation when it ends, also where it was stopped: what was said is
said. Where it fails, or is stopped before its first word, the question is taken back.
"""

from collections.abc import Iterator
from typing import Self

from runner.engine.events import Event, Finish
from runner.engine.stream import ReadProgress, Stream
from runner.errors import RunnerError
from runner.models import Ready
from runner.prompt import Kind, Message, ToolCall, parse_tool_calls


class Conversation:
    """The turns with a model that is ready. `system` stays in front of them; empty means none."""

    def __init__(self, model: Ready, system: str = "") -> None:
        self.system = system
        self._model = model
        self._turns: list[Message] = []
        self._reply: Reply | None = None

    @property
    def turns(self) -> tuple[Message, ...]:
        """What was said so far, without the system prompt."""
        return tuple(self._turns)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the model is given: the system prompt, then the turns."""
        return (*([Message("system", self.system)] if self.system else ()), *self._turns)

    def send(self, text: str, progress: ReadProgress | None = None) -> "Reply":
        """Say `text` and start the reply. `progress` is told of the prompt's tokens read.

        Raises PromptTooLong and TemplateError; the conversation is then as it was before.
        """
        self._require_silence()
        self._turns.append(Message("user", text))
        try:
            stream = self._model.reply(self.messages, progress=progress)
        except BaseException:
            self._turns.pop()
            raise
        self._reply = Reply(stream, self)
        return self._reply

    def expect(self, text: str) -> None:
        """This is being typed, or was pasted: let the model read it before it is sent. The last
        word may still change, so it is left out."""
        before, *last = text.rsplit(maxsplit=1) or [""]
        self._model.expect(self.messages, before if last else "")

    def regenerate(self, progress: ReadProgress | None = None) -> "Reply | None":
        """Ask the last question again, in place of its reply; None where there is none."""
        asked = self.take_back()
        return None if asked is None else self.send(asked, progress)

    def take_back(self) -> str | None:
        """Forget the last question and what answered it; the question, or None without one."""
        self._require_silence()
        while self._turns:
            last = self._turns.pop()
            if last.role == "user":
                return last.content
        return None

    def clear(self) -> None:
        """Forget all turns; the system prompt stays."""
        self._require_silence()
        self._turns.clear()

    def _require_silence(self) -> None:
        if self._reply is not None and not self._reply.ended:
            raise RuntimeError("a reply is under way")

    def _end(self, message: Message | None) -> None:
        """The reply is over: keep it, or without one take the question back."""
        if message is not None:
            self._turns.append(message)
            self._model.expect(self.messages)
        else:
            self._turns.pop()


class Reply(Iterator[Event]):
    """The events of one reply. Read to the end, or left as a `with` block, it joins the turns."""

    def __init__(self, stream: Stream, conversation: Conversation) -> None:
        self._stream = stream
        self._conversation = conversation
        self._parts: dict[Kind, list[str]] = {"reasoning": [], "answer": [], "tool_call": []}
        self.ended = False

    def __next__(self) -> Event:
        try:
            event = next(self._stream)
        except StopIteration:
            unsaid = self.finish.reason == "cancelled" and not any(self._parts.values())
            self._end(None if unsaid else self.message)
            raise
        except Exception:
            self._end(None)
            raise
        self._parts[event.kind].append(event.text)
        return event

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

    def _end(self, message: Message | None) -> None:
        if not self.ended:
            self.ended = True
            self._conversation._end(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.ended:
            self.cancel()
            for _event in self:
                pass
