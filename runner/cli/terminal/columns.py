"""Texts next to each other, as far as the terminal is wide enough; else one below the other."""

import re
from collections.abc import Sequence
from itertools import zip_longest

from runner.cli.terminal.clean import clean

GAP = " │ "
NARROWEST = 30
"""Columns below which a text is not squeezed beside another."""

STYLE = re.compile(r"\x1b\[[0-9;]*m")


def columns(texts: Sequence[tuple[str, str]], width: int, *, colour: bool = True) -> str:
    """Each text, with its title, as Markdown in a column of its own. Whole lines, each with its
    end; no control sequences but styles."""
    from runner.cli.terminal.markdown import rendered

    each = (width - len(GAP) * (len(texts) - 1)) // max(len(texts), 1)
    if each < NARROWEST:
        return "\n".join(
            f"{_bold(clean(title), colour)}\n{rendered(clean(text), width, colour=colour)}"
            for title, text in texts
        )
    blocks = [
        [
            _bold(_fitted(clean(title), each), colour),
            "",
            *rendered(clean(text), each, colour=colour).rstrip("\n").split("\n"),
        ]
        for title, text in texts
    ]
    rows = zip_longest(*blocks, fillvalue="")
    return "".join(GAP.join(_padded(cell, each) for cell in row).rstrip() + "\n" for row in rows)


def _bold(text: str, colour: bool) -> str:
    return f"\x1b[1m{text}\x1b[22m" if colour else text


def _fitted(line: str, width: int) -> str:
    from runner.cli.terminal.markdown import rows

    fitted = ""
    for character in rows.graphemes(" ".join(line.split())):
        if rows.columns(fitted + character) > width:
            break
        fitted += character
    return fitted.rstrip()


def _padded(line: str, width: int) -> str:
    from runner.cli.terminal.markdown import rows

    return line + " " * (width - rows.columns(STYLE.sub("", line)))
