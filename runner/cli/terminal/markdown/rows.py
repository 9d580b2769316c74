"""Rows of a terminal: styled text, how wide it is, and how it breaks into rows.

A style is the parameters of an SGR sequence ("1;38;5;97"), "" for none; a row is spans of text with
their styles. Widths are in columns, counted by what a reader takes for one character: a letter with
its marks, an emoji with its joiners.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

import wcwidth

Span = tuple[str, str]
"""A text and its style."""
Row = list[Span]

PIECES = re.compile(r"\n|[ \t]+|[^ \t\n]+")
# What may not begin a row, of scripts that are written without spaces.
CLOSING = frozenset("、。，．・：；？！」』）】〕》〉”’ー々")


def columns(text: str) -> int:
    """How wide `text` is."""
    if text.isascii():
        return len(text)
    return wcwidth.width(text, control_codes="ignore")


def graphemes(text: str) -> Iterable[str]:
    """The characters of `text` as a reader counts them."""
    return text if text.isascii() else wcwidth.iter_graphemes(text)


def boundary(text: str, position: int) -> int:
    """The last place up to `position` that parts no character."""
    end = 0
    for character in graphemes(text):
        if end + len(character) > position:
            break
        end += len(character)
    return end or position


def merged(spans: Iterable[Span]) -> Row:
    """`spans` with neighbours of one style made one."""
    return [
        ("".join(text for text, _ in group), style)
        for style, group in groupby(spans, key=lambda span: span[1])
    ]


def width(row: Iterable[Span]) -> int:
    return sum(columns(text) for text, _ in row)


def ansi(row: Iterable[Span], colour: bool) -> str:
    """A row as it is written to the terminal, without its line feed."""
    if not colour:
        return "".join(text for text, _ in row)
    return "".join(
        f"\x1b[{style}m{text}\x1b[0m" if style and text else text for text, style in merged(row)
    )


class Wrapper:
    """Breaks a styled text that arrives in pieces into rows; the row that may still grow waits.

    Prose breaks between words, and code anywhere: its spaces are kept.
    """

    def __init__(self, width: int, *, prose: bool = True) -> None:
        self.width = width
        self._prose = prose
        self._row: Row = []
        self._column = 0
        self._space: Row = []  # between the row and the word
        self._word: Row = []
        self._length = 0  # of the word, in columns

    def add(self, spans: Iterable[Span]) -> list[Row]:
        """The rows that are full now."""
        rows: list[Row] = []
        for text, style in spans:
            for piece in PIECES.findall(text):
                if piece == "\n":
                    rows += [*self._place(), self._take()]
                elif not self._prose:
                    rows += self._fill(piece, style)
                elif piece[0] in " \t":
                    rows += self._place()
                    self._space.append((piece, style))
                else:
                    rows += self._spell(piece, style)
        return rows

    def end(self) -> list[Row]:
        """The rest, as rows."""
        rows = self._place()
        return [*rows, self._take()] if self._row else rows

    def resize(self, width: int) -> list[Row]:
        """Go on in another width; the rows that are full in it."""
        waiting = [*self._row, *self._space, *self._word]
        self._take()
        self._word, self._length, self.width = [], 0, width
        return self.add(waiting)

    def _spell(self, text: str, style: str) -> Iterator[Row]:
        """Add to the word. A script without spaces may break before each of its characters."""
        for part in (text,) if text.isascii() else graphemes(text):
            size = columns(part)
            if size > 1 and not part.isascii() and part[0] not in CLOSING:
                yield from self._place()
            self._word.append((part, style))
            self._length += size
            if self._length > self.width:
                yield from self._place()

    def _place(self) -> list[Row]:
        """Put the word where it fits: behind the space, on a new row, or on several."""
        if not self._word:
            return []
        rows: list[Row] = []
        gap = width(self._space)
        if self._row and self._column + gap + self._length > self.width:
            rows.append(self._take())
        elif self._row:
            self._row += self._space
            self._column += gap
        if self._column + self._length <= self.width:
            self._row += self._word
            self._column += self._length
        else:
            for text, style in self._word:
                rows += self._fill(text, style)
        self._word, self._length, self._space = [], 0, []
        return rows

    def _fill(self, text: str, style: str) -> Iterator[Row]:
        """Fill rows to their last column."""
        if self._column + columns(text) <= self.width:
            self._row.append((text, style))
            self._column += columns(text)
            return
        for character in graphemes(text):
            size = columns(character)
            if self._column + size > self.width:
                yield self._take()
            self._row.append((character, style))
            self._column += size

    def _take(self) -> Row:
        row, self._row, self._column, self._space = merged(self._row), [], 0, []
        return row
