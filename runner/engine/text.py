"""The reply's tokens back to typed text: exact UTF-8 across token boundaries, marks by token."""

import codecs
from collections.abc import Collection

from runner.engine.events import Event, Logprobs
from runner.engine.stops import Stops
from runner.llama.vocabulary import Vocabulary
from runner.prompt import Kind, Prompt, ReplyParser


class ReplyText:
    """Turns one reply's tokens into events. A character split over tokens waits for its rest;
    bytes that never become one are shown as U+FFFD. The answer ends where one of `stop` begins."""

    def __init__(self, vocabulary: Vocabulary, prompt: Prompt, stop: Collection[str] = ()) -> None:
        self._vocabulary = vocabulary
        pairs = [pair for pair in (prompt.marks, prompt.tool_marks) if pair]
        names = {
            name
            for pair in pairs
            for name in (pair.open, pair.close, *pair.around, *pair.more)
            if name
        }
        self._parser = ReplyParser(prompt, mark_tokens=set(filter(vocabulary.has_mark, names)))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = Stops(stop)
        self._waiting: list[int] = []
        self._logprobs: list[Logprobs] = []

    @property
    def stopped(self) -> bool:
        """Whether a stop text has come."""
        return self._stops.found

    @property
    def kind(self) -> Kind:
        """What the next token is, as far as can be told."""
        return self._parser.kind

    def feed(self, token: int, at: float, logprobs: Logprobs | None = None) -> list[Event]:
        """The events that `token`, sampled at `at`, completes."""
        self._waiting.append(token)
        if logprobs is not None:
            self._logprobs.append(logprobs)
        mark = self._vocabulary.mark(token)
        if mark is None:
            parts = self._parser.feed(self._decoder.decode(self._vocabulary.piece(token)))
        else:
            parts = self._parser.feed(self._decoder.decode(b"", final=True))
            self._decoder.reset()
            # A control token that is no mark of this prompt has no text a person should see. In a
            # tool call it is punctuation.
            if (
                self._parser.watches(mark)
                or self._parser.kind == "tool_call"
                or not self._vocabulary.is_control(token)
            ):
                parts += self._parser.feed(mark, token_is_mark=True)
        return self._events(parts, at)

    def close(self, at: float) -> list[Event]:
        """What was still held back when the reply ended."""
        parts = self._parser.feed(self._decoder.decode(b"", final=True))
        return self._events(parts + self._parser.close(), at, final=True)

    def _events(
        self, parts: list[tuple[Kind, str]], at: float, *, final: bool = False
    ) -> list[Event]:
        passed: list[tuple[Kind, str]] = []
        for kind, text in parts:
            if kind == "answer":
                passed.append((kind, self._stops.feed(text)))
            else:
                passed += [("answer", self._stops.close()), (kind, text)]
        if final:
            passed.append(("answer", self._stops.close()))
        events = []
        for kind, text in passed:
            if text:
                tokens, logprobs = tuple(self._waiting), tuple(self._logprobs)
                events.append(Event(kind, text, tokens, at, logprobs))
                self._waiting.clear()
                self._logprobs.clear()
        return events
