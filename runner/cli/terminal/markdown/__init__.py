"""Markdown on a terminal as it streams: what is finished is given out once, to stay in the
scrollback, and only the unfinished rest is ever drawn again.

What is given out does not depend on how the text was cut into pieces. Memory and the cost of a
piece are bounded, however long a paragraph, a block of code, a list or a table grows.
"""

from copy import deepcopy

from runner.cli.terminal.clean import Cleaner
from runner.cli.terminal.markdown.blocks import Blocks
from runner.cli.terminal.markdown.rows import Row, ansi

NARROWEST = 10
"""Columns; a narrower terminal is written to as if it had these."""
PIECE = 240
"""Characters of a line after which its beginning is shown without waiting for its end."""
LONGEST_ROW = 4000
"""The same, of a line that may belong to a table."""


class MarkdownStream:
    """Renders Markdown that arrives in pieces, cut anywhere. Ends with `close`."""

    def __init__(self, width: int, *, colour: bool = True) -> None:
        self._blocks = Blocks(max(width, NARROWEST))
        self._colour = colour
        self._cleaner = Cleaner()
        self._partial = ""  # of the line, or of its next piece
        self._begins = True

    def feed(self, text: str) -> str:
        """What is finished now, as lines for the terminal, each with its line feed."""
        return self._lines(self._read(self._cleaner.feed(text)))

    def tail(self, rows: int) -> str:
        """The unfinished rest as it looks now: its last `rows` rows, without a last line feed."""
        blocks = deepcopy(self._blocks)
        begun = self._line(blocks)
        blocks.complete()
        shown = [*begun, *blocks.close()][-rows:] if rows > 0 else []
        return "\n".join(ansi(row, self._colour) for row in shown)

    def resize(self, width: int) -> None:
        """What comes from now on is for another width."""
        self._blocks.resize(max(width, NARROWEST))

    def close(self) -> str:
        """The rest."""
        rows = self._read(self._cleaner.close()) + self._line(self._blocks)
        return self._lines(rows + self._blocks.close())

    def _read(self, text: str) -> list[Row]:
        """Hand on whole lines, and long ones in pieces: cut by what they are, not by what came."""
        text, start = self._partial + text, 0
        rows: list[Row] = []
        while True:
            size = self._longest(text[start : start + PIECE])
            end = text.find("\n", start, start + size + 1)
            if end < 0 and len(text) - start <= size:
                break
            stop = end if end >= 0 else start + size
            rows += self._blocks.line(text[start:stop], begins=self._begins, ends=end >= 0)
            self._begins, start = end >= 0, stop + (end >= 0)
        self._partial = text[start:]
        return rows

    def _longest(self, beginning: str) -> int:
        table = self._begins and "|" in beginning and not self._blocks.literal()
        return LONGEST_ROW if table else PIECE

    def _line(self, blocks: Blocks) -> list[Row]:
        """Take the line that has begun for a whole one."""
        return blocks.line(self._partial, begins=self._begins) if self._partial else []

    def _lines(self, rows: list[Row]) -> str:
        return "".join(ansi(row, self._colour) + "\n" for row in rows)


def rendered(text: str, width: int, *, colour: bool = True) -> str:
    """The whole of `text` as lines for a terminal `width` columns wide."""
    stream = MarkdownStream(width, colour=colour)
    return stream.feed(text) + stream.close()
