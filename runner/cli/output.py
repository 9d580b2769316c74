"""Where words go: results to stdout, remarks and progress to stderr, facts as JSON on request."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from runner.cli.terminal.clean import clean
from runner.cli.terminal.style import dim
from runner.settings import Settings


def remark(text: str, settings: Settings) -> None:
    """A line that may be left out, on stderr; `--quiet` leaves it out."""
    if not settings.quiet:
        note(text)


def note(text: str) -> None:
    """A line on stderr, set back from the results."""
    # What a command printed so far belongs before it.
    sys.stdout.flush()
    print(dim(clean(text), sys.stderr), file=sys.stderr, flush=True)


def print_json(facts: Any, *, indent: int | None = 2) -> None:
    """Facts on stdout. Only ASCII, so that neither encodings nor terminals can stumble over it."""
    print(json.dumps(facts, indent=indent, default=str), flush=True)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, gap: int = 3) -> None:
    """Columns on stdout under upper-case heads, as wide as what they hold."""
    from rich.cells import cell_len

    cleaned = [[clean(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cleaned, strict=True)]
    for row in cleaned:
        cells = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        )
        print((" " * gap).join(cells).rstrip())


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Labels and what they say on stdout, long texts wrapped to the terminal beside their label."""
    import shutil
    import textwrap

    indent = max(len(label) for label, _ in facts) + 3
    # A pipe has no width: what reads it may search for a phrase in one line.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    for label, text in facts:
        lines = textwrap.wrap(
            clean(text),
            max(width - indent, 30),
            break_long_words=False,
            break_on_hyphens=False,
        )
        print(f"{label:<{indent}}" + f"\n{' ' * indent}".join(lines or ["—"]))
