"""Tables that fit the terminal: what matters least goes first, then words go on several lines."""

import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Sequence
from itertools import zip_longest

Columns = dict[str, list[str]]
Spare = str | tuple[str, Callable[[str], str]]

GAP, LEAST_GAP = 3, 2
LONGEST = 16
"""Letters of a word that is not cut."""


def print_fitted(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    spare: Sequence[Spare] = (),
    wrapped: Sequence[Collection[str]] = (),
    last: Sequence[str] = (),
) -> None:
    """Print a table on stdout. Where the terminal is too narrow for it, `spare` columns are left
    out in their order, or their cells made shorter, until it fits; then the texts of `wrapped` ones
    take several lines, those of the first group before the others; then columns of `last` are left
    out. A pipe has no width, and gets all."""
    from runner.cli.output import print_table

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if width is None:
        print_table(heads, rows)
        return
    table, gap = fitted(heads, rows, width, spare=spare, wrapped=wrapped, last=last)
    print_table(table[0], table[1:], gap=gap)


def fitted(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    spare: Sequence[Spare] = (),
    wrapped: Sequence[Collection[str]] = (),
    last: Sequence[str] = (),
) -> tuple[list[tuple[str, ...]], int]:
    """The lines of such a table with its heads, and the gap between its columns."""
    from runner.cli.terminal.clean import clean

    columns = {head: [clean(row[n]) for row in rows] for n, head in enumerate(heads)}
    for one in spare:
        if _width(_wide(columns), GAP) <= width:
            break
        _leave_out(columns, one)
    gap = GAP if _width(_least(columns, wrapped[:1]), GAP) <= width else LEAST_GAP
    for head in last:
        if _width(_least(columns, wrapped), gap) <= width:
            break
        columns.pop(head, None)
    widths = _shared(columns, wrapped, width, gap)
    lines: list[tuple[str, ...]] = []
    for row in (tuple(columns), *zip(*columns.values(), strict=True)):
        cells = [_lines(cell, widths[head]) for head, cell in zip(columns, row, strict=True)]
        lines += zip_longest(*cells, fillvalue="")
    return lines, gap


def _leave_out(columns: Columns, one: Spare) -> None:
    if isinstance(one, str):
        columns.pop(one, None)
    elif one[0] in columns:
        columns[one[0]] = list(map(one[1], columns[one[0]]))


def _shared(
    columns: Columns, wrapped: Sequence[Collection[str]], width: int, gap: int
) -> dict[str, int]:
    """How wide each column is: of those that may be wrapped the widest gives way, as far as it can;
    the next group when the one before cannot."""
    widths, least = _wide(columns), _least(columns, wrapped)
    for group in wrapped:
        while _width(widths, gap) > width:
            able = [head for head in widths if head in group and widths[head] > least[head]]
            if not able:
                break
            widths[max(able, key=widths.__getitem__)] -= 1
    return widths


def _width(widths: dict[str, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


def _wide(columns: Columns) -> dict[str, int]:
    from rich.cells import cell_len

    return {head: max(map(cell_len, (head, *cells))) for head, cells in columns.items()}


def _least(columns: Columns, wrapped: Sequence[Collection[str]]) -> dict[str, int]:
    """How narrow each column can be: as its longest word, where it may be wrapped."""
    least = _wide(columns)
    for group in wrapped:
        for head in filter(columns.__contains__, group):
            words = [word for cell in (head, *columns[head]) for word in cell.split()]
            least[head] = min(least[head], max(map(_unbroken, words), default=0))
    return least


def _unbroken(word: str) -> int:
    """How long the longest part is that a word keeps: long ones break at their hyphens."""
    parts = [word] if len(word) <= LONGEST else re.split(r"(?<=-)", word)
    return min(max(map(len, parts)), LONGEST)


def _lines(cell: str, width: int) -> list[str]:
    return (textwrap.wrap(cell, width) if len(cell) > width else [cell]) or [""]
