"""Calls as Gemma 4 writes them: objects like JSON's, with a token in place of quotation marks.

call:clock{count:3,zone:<|"|>UTC<|"|>}
"""

import re
from typing import Any

from runner.prompt.calls.call import DECODER, DEEPEST, ToolCall, excerpt, made, malformed

SIGN = re.compile("call:")

_QUOTE = '<|"|>'
_HEAD = re.compile(r"\s*call:([^{\s]+)\s*(?=\{)")
_BARE = re.compile(r"[^,\]}]*")
_KEY = re.compile(r"([^:{}\[\],]*):")
_WORDS = {"none": None, "null": None, "true": True, "false": False}


def read(text: str) -> list[ToolCall]:
    """The calls, one after the other."""
    calls = []
    reader = _Reader(text.strip())
    while not reader.done:
        head = reader.take(_HEAD)
        if head is None:
            raise malformed(f"is not call:NAME{{…}}: {excerpt(reader.rest)}")
        calls.append(made(head[1], reader.value()))
    return calls


class _Reader:
    """A text and how much of it has been read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def rest(self) -> str:
        return self._text[self._at :]

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match

    def value(self, depth: int = 0) -> Any:
        """The value that begins here."""
        if depth > DEEPEST:
            raise malformed(f"nests its arguments more than {DEEPEST} deep")
        if self._next(_QUOTE):
            return self._quoted()
        if self._next("{"):
            found = {}
            while not self._next("}"):
                key = self._key()
                found[key] = self.value(depth + 1)
                self._next(",")
            return found
        if self._next("["):
            listed = []
            while not self._next("]"):
                listed.append(self.value(depth + 1))
                self._next(",")
            return listed
        return self._bare()

    def _key(self) -> str:
        if self._next(_QUOTE):
            key = self._quoted()
            if self._next(":"):
                return key
        elif match := self.take(_KEY):
            return match[1].strip()
        raise malformed(f"has an argument without a name: {excerpt(self.rest)}")

    def _bare(self) -> Any:
        """A number, a word for true, false or nothing, or else text."""
        start = self._at
        match = self.take(_BARE)
        text = match[0].strip() if match else ""
        if not text or self._at >= len(self._text):
            raise malformed(f"ends too early: {excerpt(self._text[start:])}")
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        try:
            return DECODER.decode(text)
        except (ValueError, RecursionError):
            return text

    def _quoted(self) -> str:
        end = self._text.find(_QUOTE, self._at)
        if end < 0:
            raise malformed(f"has text that is not closed: {excerpt(self.rest)}")
        start, self._at = self._at, end + len(_QUOTE)
        return self._text[start:end]

    def _next(self, word: str) -> bool:
        """Whether the word comes next, after white space; it is then read."""
        at = self._at
        while at < len(self._text) and self._text[at].isspace():
            at += 1
        if not self._text.startswith(word, at):
            return False
        self._at = at + len(word)
        return True
