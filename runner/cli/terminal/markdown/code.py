"""Code in its colours, line by line as it arrives."""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.cli.terminal.markdown.rows import Row, Wrapper
from runner.cli.terminal.markdown.style import TOKENS

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LINES_AHEAD = 6
"""Lines that must follow before a line's colours are settled: a comment may yet turn out one."""
AT_ONCE = 4
"""Lines that are settled together, as each time all are read that are not."""
REMEMBERED = 2000
"""Characters of an open token, a long comment say, that are read again with each line."""


class Highlighter:
    """Colours a text that arrives in pieces, going on where the lexer was."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._stack = ["root"]
        self._before = ""  # what was taken of the token that is open

    def take(self, text: str, count: int) -> Row:
        """The first `count` characters of `text` in the colours they have if the rest follows."""
        whole, end = self._before + text, len(self._before) + count
        spans: Row = []
        resume, stack, position = 0, self._stack, 0
        for style, value, state in _lexed(self._language, whole, self._stack):
            if position <= end and state:
                resume, stack = position, state
            cut = value[max(0, len(self._before) - position) : max(0, end - position)]
            if cut:
                spans.append((cut, style))
            position += len(value)
        self._stack, self._before = stack, whole[resume:end]
        if len(self._before) > REMEMBERED:
            self._before = ""
        return spans


class Code:
    """A block of code. A line is finished when those that may change its colours are there."""

    def __init__(self, language: str, width: int) -> None:
        self._wrapper = Wrapper(width, prose=False)
        self._highlighter = Highlighter(language)
        self._lines: list[str] = []

    def add(self, text: str) -> list[Row]:
        """Go on by a line, with its line feed, or a piece of a long one."""
        self._lines.append(text)
        return self._settle(AT_ONCE) if len(self._lines) >= LINES_AHEAD + AT_ONCE else []

    def close(self) -> list[Row]:
        return self._settle(len(self._lines)) + self._wrapper.end()

    def resize(self, width: int) -> list[Row]:
        return self._wrapper.resize(width)

    def _settle(self, count: int) -> list[Row]:
        characters = sum(len(line) for line in self._lines[:count])
        spans = self._highlighter.take("".join(self._lines), characters)
        del self._lines[:count]
        return self._wrapper.add(spans)


Token = tuple[str, str, list[str]]
"""The style and text of a token, and the states a lexer can go on from before it, [] if unknown."""


def _lexed(language: str, text: str, stack: list[str]) -> list[Token]:
    """The tokens of `text`, which a lexer comes to in the states of `stack`.

    A lexer is somebody else's code let loose on what a model wrote: where it fails, there are no
    colours, but there is the code.
    """
    lexer = _lexer(language)
    if lexer is None:
        return [("", text, stack)]
    for way in _by_states, _by_lines:
        try:
            return list(way(lexer, text, stack))
        except Exception:
            continue
    return [("", text, [])]


def _by_states(lexer: "Lexer", text: str, stack: list[str]) -> Iterator[Token]:
    """Most lexers are tables of states and can be run by the one that shows them."""
    from pygments.lexer import ExtendedRegexLexer, LexerContext

    context = LexerContext(text, 0, stack=list(stack))
    for start, kind, value in ExtendedRegexLexer.get_tokens_unprocessed(lexer, context=context):
        yield _style(kind), value, list(context.stack) if start == context.pos else []


def _by_lines(lexer: "Lexer", text: str, stack: list[str]) -> Iterator[Token]:
    """The others begin anew at a line: a session's, a record's, a key's."""
    before = "\n"
    for _, kind, value in lexer.get_tokens_unprocessed(text):
        yield _style(kind), value, stack if before.endswith("\n") else []
        before = value


@cache
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language) if language else None
    except ClassNotFound:
        return None


@cache
def _style(kind: Any) -> str:
    """The style of a token type, or of the nearest type above it that has one."""
    while kind:
        if style := TOKENS.get(".".join(kind)):
            return style
        kind = kind.parent
    return ""
