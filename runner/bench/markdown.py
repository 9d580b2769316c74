"""Tables and text of Markdown, which read well as plain text too."""

import re
from collections.abc import Collection, Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> str:
    """A table whose columns are as wide as what they hold; those named `right` are set so."""
    lines = [[plain(text) or "—" for text in line] for line in (heads, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * (width - 1) + (":" if head in right else "-") for head, width in
            zip(heads, widths, strict=True)]  # fmt: skip
    return "".join(
        "| "
        + " | ".join(
            text.rjust(width) if head in right else text.ljust(width)
            for head, text, width in zip(heads, line, widths, strict=True)
        )
        + " |\n"
        for line in (lines[0], rule, *lines[1:])
    )


def plain(text: str) -> str:
    """Text on one line that ends no cell, and that Markdown reads as nothing more than text."""
    return re.sub(r"([|\\`<*_\[\]])", r"\\\1", " ".join(text.split()))
