"""What blocks lie in: quotes and items of lists, in one another."""

import re
from dataclasses import dataclass

from runner.cli.terminal.markdown.rows import Span
from runner.cli.terminal.markdown.style import MARK

QUOTE = re.compile(r" {0,3}> ?")
MARKER = re.compile(r"( *)([-+*]|\d{1,9}[.)])(?: +(?=[^ ])|$| )")


@dataclass
class Quote:
    shown: bool = True

    def match(self, line: str, fenced: bool) -> int | None:
        """How much of the line's start says that it goes on; None if it does not."""
        found = QUOTE.match(line)
        return found.end() if found else None

    @property
    def width(self) -> int:
        return 2

    def prefix(self) -> Span:
        """What stands before the next row of what it holds."""
        return "│ ", MARK


@dataclass
class Item:
    """An item of a list. `column` is where its marker stands, `indent` where its text begins."""

    marker: str
    column: int
    indent: int
    shown: bool = False

    def match(self, line: str, fenced: bool) -> int | None:
        """Too little indent is enough for a list inside it, and for what an open fence holds."""
        indent = len(line) - len(line.lstrip(" "))
        if indent >= self.indent or indent == len(line):
            return min(indent, self.indent)
        inner = indent >= self.column + 2 and MARKER.match(line)
        return indent if inner or fenced else None

    @property
    def width(self) -> int:
        return len(self.marker)

    def prefix(self) -> Span:
        if self.shown:
            return " " * len(self.marker), ""
        self.shown = True
        return self.marker, MARK


Container = Quote | Item


def opened(line: str, *, in_item: bool, in_paragraph: bool) -> tuple[Container, int] | None:
    """The container that a line begins, and where in the line it begins; None if it begins none."""
    if quote := QUOTE.match(line):
        return Quote(), quote.end()
    marker = MARKER.match(line)
    if marker is None or (in_paragraph and not interrupts(marker)):
        return None
    if len(marker[1]) > 3 and not in_item:
        return None
    after = marker.end(2) + 1
    text = marker.end() if marker.end() <= after + 3 else after  # with more space it is code
    shown = "• " if marker[2] in "-+*" else f"{marker[2]} "
    return Item(shown, len(marker[1]), max(text, after)), text


def interrupts(marker: re.Match[str]) -> bool:
    """Whether a list may begin in the midst of a paragraph: a sentence may begin with a year."""
    return marker[2] in ("-", "+", "*", "1.", "1)") and marker.end() < len(marker.string)
