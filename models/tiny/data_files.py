"""Read the corpus's lists: text files of blocks, each under a line that starts with "# "."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("data")


def blocks(name: str) -> dict[str, list[str]]:
    """The lines of every block of a file, by the block's title."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            lines = found.setdefault(line[2:], [])
        elif line.strip():
            lines.append(line)
    return found
