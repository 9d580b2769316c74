"""A terminal's screen as a person sees it, with what scrolled out at its top.

Text does not flow anew when the width changes; what a narrower screen hides is still in its row.
"""

from unicodedata import combining

import pyte
from wcwidth import iter_graphemes


class Paper(pyte.Screen):
    """A screen of `columns` and `lines` whose rows are kept when they scroll away."""

    def __init__(self, columns: int, lines: int) -> None:
        self.scrollback: list[str] = []
        self.answers: list[str] = []
        """What the terminal has to say to the program, such as where the cursor is."""
        super().__init__(columns, lines)

    @property
    def rows(self) -> list[str]:
        """The screen from the top down to its last row that says something."""
        return _without_end([self._row(y) for y in range(self.lines)])

    @property
    def transcript(self) -> list[str]:
        """All rows that were ever on the screen and not erased, oldest first."""
        return _without_end([*self.scrollback, *self.rows])

    def draw(self, data: str) -> None:
        """Of an emoji with joiners its first is drawn: pyte would stop at a joiner."""
        super().draw("".join(map(_drawable, iter_graphemes(data))))

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self.scrollback.append(self._row(0))
        super().index()

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Lines that no longer fit go where they came from: empty ones at the bottom first."""
        lines, columns = lines or self.lines, columns or self.columns
        over = max(self.cursor.y + 1 - lines, 0)
        self.scrollback += (self._row(y) for y in range(over))
        kept = {y: self.buffer[y + over] for y in range(lines)}
        self.buffer.clear()
        self.buffer.update(kept)
        self.cursor.y -= over
        self.lines, self.columns = lines, columns
        self.set_margins()
        self.ensure_hbounds()

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        super().erase_in_line(how, private)
        if how != 1:
            self._forget_hidden()

    def _forget_hidden(self) -> None:
        line = self.buffer[self.cursor.y]
        for x in [x for x in line if x >= self.columns]:
            del line[x]

    def _row(self, y: int) -> str:
        line = self.buffer[y]
        return "".join(line[x].data for x in range(max(line, default=-1) + 1)).rstrip()

    def write_process_input(self, data: str) -> None:
        self.answers.append(data)


def _drawable(grapheme: str) -> str:
    return grapheme[0] + "".join(filter(combining, grapheme[1:]))


def _without_end(rows: list[str]) -> list[str]:
    while rows and not rows[-1]:
        rows.pop()
    return rows
