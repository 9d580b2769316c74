"""The reply's tokens back to typed text: exact UTF-8 across token boundaries, marks by token."""

import codecs

from runner.engine.events import Event
from runner.llama.vocabulary import Vocabulary
from runner.prompt import Kind, Prompt, ReplyParser


class ReplyText:
    """Turns one reply's tokens into events. A character split over tokens waits for its rest;
    bytes that never become one are shown as U+FFFD."""

    def __init__(self, vocabulary: Vocabulary, prompt: Prompt) -> None:
        self._vocabulary = vocabulary
        pairs = [pair for pair in (prompt.marks, prompt.tool_marks) if pair]
        names = {name for pair in pairs for name in (pair.open, pair.close, *pair.around)}
        self._parser = ReplyParser(prompt, mark_tokens=set(filter(vocabulary.has_mark, names)))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting: list[int] = []

    def feed(self, token: int, at: float) -> list[Event]:
        """The events that `token`, sampled at `at`, completes."""
        self._waiting.append(token)
        mark = self._vocabulary.mark(token)
        if mark is None:
            parts = self._parser.feed(self._decoder.decode(self._vocabulary.piece(token)))
        else:
            parts = self._parser.feed(self._decoder.decode(b"", final=True))
            self._decoder.reset()
            # A control token that is no mark of this prompt has no text a person should see.
            if self._parser.watches(mark) or not self._vocabulary.is_control(token):
                parts += self._parser.feed(mark, token_is_mark=True)
        return self._events(parts, at)

    def close(self, at: float) -> list[Event]:
        """What was still held back when the reply ended."""
        parts = self._parser.feed(self._decoder.decode(b"", final=True))
        return self._events(parts + self._parser.close(), at)

    def _events(self, parts: list[tuple[Kind, str]], at: float) -> list[Event]:
        events = []
        for kind, text in parts:
            events.append(Event(kind, text, tuple(self._waiting), at))
            self._waiting.clear()
        return events
