"""A table: aligned where it fits, wrapped in its columns or told row by row where it does not."""

import re
from itertools import zip_longest

from runner.cli.terminal.markdown.inline import styled
from runner.cli.terminal.markdown.rows import Row, Wrapper, columns, width
from runner.cli.terminal.markdown.style import BOLD, MARK, both

ROWS_AWAITED = 20
"""Rows by which the widths of the columns are settled."""
NARROWEST = 12
"""Columns of the screen into which a cell is still wrapped."""
GAP = "  "

DELIMITERS = re.compile(r"\|?(?: *:?-+:? *\|)* *:?-+:? *\|?")
BAR = re.compile(r"(?<!\\)\|")
BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)


def cells(line: str) -> list[str]:
    """The cells of a row."""
    line = line.strip()
    line = line.removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return [cell.strip().replace("\\|", "|") for cell in BAR.split(line)]


class Table:
    @staticmethod
    def begins(header: str, line: str) -> bool:
        """Whether `line`, under `header`, makes a table of both."""
        return (
            "|" in header
            and DELIMITERS.fullmatch(line.strip()) is not None
            and len(cells(header)) == len(cells(line))
        )

    def __init__(self, header: str, delimiters: str, width: int) -> None:
        self._width = width
        self._header = [_content(cell, BOLD) for cell in cells(header)]
        self._sides = [_side(cell) for cell in cells(delimiters)]
        self._rows: list[list[Row]] = []
        self._widths: list[int] | None = None  # not settled yet; [] is one under the other
        self._apart = False  # a blank line parts the rows
        self._begun = False

    def add(self, text: str) -> list[Row]:
        given, count = cells(text), len(self._header)
        if len(given) > count:
            given[count - 1 :] = [" | ".join(given[count - 1 :])]
        self._rows.append([_content(cell) for cell in given] + [[]] * (count - len(given)))
        settled = self._widths is not None or len(self._rows) > ROWS_AWAITED
        return self.close() if settled else []

    def close(self) -> list[Row]:
        """The rows that waited; the first time, under the header."""
        shown: list[Row] = []
        if self._widths is None:
            shown = self._settle()
        rows, self._rows = self._rows, []
        for row in rows:
            if self._apart and self._begun:
                shown.append([])
            self._begun = True
            shown += self._aligned(row, self._widths) if self._widths else self._told(row)
        return shown

    def resize(self, width: int) -> list[Row]:
        self._width = width
        if self._widths:
            self._fit(self._widths)
        return []

    def _settle(self) -> list[Row]:
        """Choose the widths of the columns by the rows that are there; the header."""
        table = [self._header, *self._rows]
        self._fit([max(_widest(row[i]) for row in table) for i in range(len(self._header))])
        if not self._widths:
            return []
        line = GAP.join("─" * size for size in self._widths)
        return [*self._aligned(self._header, self._widths), [(line, MARK)]]

    def _fit(self, wanted: list[int]) -> None:
        """Side by side, wrapped if need be and then apart; as no columns where it is too narrow."""
        room = self._width - len(GAP) * (len(wanted) - 1)
        sizes = _shared(wanted, room)
        fits = all(size >= min(most, NARROWEST) for size, most in zip(sizes, wanted, strict=True))
        self._widths = sizes if fits else []
        self._apart = self._apart or sizes != wanted

    def _aligned(self, row: list[Row], widths: list[int]) -> list[Row]:
        wrapped = [_wrapped(cell, size) for cell, size in zip(row, widths, strict=True)]
        rows: list[Row] = []
        for parts in zip_longest(*wrapped, fillvalue=[]):
            shown: Row = []
            for part, size, side in zip(parts, widths, self._sides, strict=True):
                left, right = _padding(size - width(part), side)
                shown += [(" " * left, ""), *part, (" " * right + GAP, "")]
            rows.append(_trimmed(shown))
        return rows

    def _told(self, row: list[Row]) -> list[Row]:
        """A row as its header's names, each with its value."""
        rows: list[Row] = []
        for name, value in zip(self._header, row, strict=True):
            rows += _wrapped([*name, (": ", MARK), *value], self._width)
        return rows


def _content(cell: str, style: str = "") -> Row:
    shown = styled(BREAK.sub("\n", cell))
    return [(text, both(style, own)) for text, own in shown]


def _widest(cell: Row) -> int:
    return max(1, *(columns(line) for line in "".join(text for text, _ in cell).split("\n")))


def _wrapped(cell: Row, size: int) -> list[Row]:
    wrapper = Wrapper(size)
    return wrapper.add(cell) + wrapper.end()


def _trimmed(row: Row) -> Row:
    """A row without the white space at its end."""
    while row and not row[-1][0].strip(" "):
        row = row[:-1]
    return row


def _shared(wanted: list[int], room: int) -> list[int]:
    """`room` for the columns: what is narrow stays as it is, the wide ones share the rest."""
    sizes = [0] * len(wanted)
    waiting = sorted(range(len(wanted)), key=lambda i: wanted[i])
    while waiting:
        i = waiting.pop(0)
        sizes[i] = min(wanted[i], room // (len(waiting) + 1))
        room -= sizes[i]
    return sizes


def _side(delimiter: str) -> str:
    if delimiter.endswith(":"):
        return "centre" if delimiter.startswith(":") else "right"
    return "left"


def _padding(free: int, side: str) -> tuple[int, int]:
    left = {"left": 0, "right": free, "centre": free // 2}[side]
    return max(left, 0), max(free - left, 0)
