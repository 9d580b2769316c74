"""Files that a message names as `@path`."""

import re
from collections.abc import Iterator
from pathlib import Path

# At the start of a word: not in me@example.com. In quotes it may have spaces; without, `\ ` is one.
MENTION = re.compile(
    r"""(?<![^\s([{<"'`])@(?:"(?P<double>[^"\n]+)"|'(?P<single>[^'\n]+)'|(?P<bare>(?:\\\ |\S)+))"""
)
AFTER = ".,;:!?)]}>\"'`…"
"""What may follow a path in a sentence."""


def mentions(text: str, folder: Path | None = None) -> list[Path]:
    """The files and folders named by `@path` that exist, each once. Paths are relative to
    `folder`, or to where the program runs."""
    found: dict[Path, Path] = {}
    for match in MENTION.finditer(text):
        quoted = match["double"] or match["single"]
        candidates = [quoted] if quoted else _readings(match["bare"])
        path = next(filter(None, (_existing(one, folder) for one in candidates)), None)
        if path is not None:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _readings(bare: str) -> Iterator[str]:
    """What a path without quotes may be, longest first: what ends a sentence may end a name."""
    while bare:
        yield bare
        if "\\ " in bare:
            yield bare.replace("\\ ", " ")
        if bare[-1] not in AFTER:
            return
        bare = bare[:-1]


def _existing(name: str, folder: Path | None) -> Path | None:
    if name.startswith(("\\\\", "//")):
        return None  # on Windows another machine's, and to look is to connect to it
    try:
        path = (folder or Path()) / Path(name).expanduser()
        return path if path.is_file() or path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long, or the home of nobody
        return None
