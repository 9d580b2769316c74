"""Remarks as a terminal shows them: broken between words, the last column of a table in itself."""

import re
from collections.abc import Iterator

from runner.cli.terminal.clean import clean
from runner.cli.terminal.markdown.rows import Wrapper, ansi, columns
from runner.cli.terminal.markdown.style import DIM

COLUMN = re.compile(r".*\S {2,}(?=\S)| *")
"""What a line has in front of its last column."""


def note(text: str, width: int, *, style: str = DIM, colour: bool) -> str:
    """A remark of one or more lines, set back from answers, as whole lines for the terminal."""
    rows = (row for line in clean(text).split("\n") for row in _rows(line, width))
    return "".join(ansi([(row, style)], colour) + "\n" for row in rows)


def _rows(line: str, width: int) -> Iterator[str]:
    head = COLUMN.match(line)
    front = head[0] if head else ""
    if columns(front) > width // 2:
        front = ""
    indent = columns(front)
    wrapper = Wrapper(max(width - indent, 1))
    rows = [*wrapper.add([(line[len(front) :], "")]), *wrapper.end()] or [[]]
    for number, row in enumerate(rows):
        text = "".join(piece for piece, _ in row)
        yield (" " * indent if number else front) + text
