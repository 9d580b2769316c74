"""From a file, or bytes of unknown kind, to a document a model can be given.

What a file is, its content says; its name only tells one sort of text from another. What cannot
be read as text is refused in a sentence, and so is what is too large: nothing is left out silently.
"""

import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from runner.chat.documents import kinds, text
from runner.chat.documents.apart import read_apart
from runner.chat.turns import Attachment
from runner.errors import BadDocument

LARGEST = 50_000_000
"""Bytes of a file."""
LONGEST_NAME = 100

Progress = Callable[[int, int], None]
"""Is told several times a second of pages read, and of all; of 0 and 0 where there are none to
count. What it raises ends the reading."""


def read(path: Path, progress: Progress | None = None) -> Attachment:
    """The document in a file; `~` at the beginning is the home. Raises as `from_bytes` does."""
    return from_bytes(path.name, _bytes(path), progress)


def gather(paths: Iterable[Path], progress: Progress | None = None) -> list[Attachment]:
    """The documents in some files, each file once. Raises as `from_bytes` does."""
    once: dict[Path, Path] = {}
    for path in paths:
        once.setdefault(path.resolve() if path.exists() else path, path)
    return [read(path, progress) for path in once.values()]


def from_bytes(
    name: str, data: bytes, progress: Progress | None = None, *, literal: bool = False
) -> Attachment:
    """A document of any kind, under a name that is safe to show. `literal` takes HTML for text.

    Raises BadDocument for what is no text, too large, damaged or locked, and ConfigurationError
    where the packages that read its kind are not installed.
    """
    name = shown(name)
    if len(data) > LARGEST:
        raise _too_large(name)
    try:
        kind = kinds.of(name, data)
        if literal and kind == kinds.HTML:
            kind = kinds.TEXT
        if kind in (kinds.PDF, kinds.WORD, kinds.HTML):
            found, details = read_apart(kind, data, progress)
        else:
            found, details = text.decoded(data)
    except BadDocument as error:
        raise BadDocument(f"{name} {error.message}", remedy=error.remedy) from error
    found = _characters(found)
    if not found.strip():
        raise BadDocument(f"{name} is empty")
    return Attachment(name, f"{kind}, {details}" if details else kind, found)


def shown(name: str) -> str:
    """A file's name as one short line: no folder, nothing that a terminal obeys or that could end
    the mark in which a model is told of it."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    safe = "".join(one if one.isprintable() and one not in '"<>' else "_" for one in last)
    if len(safe) > LONGEST_NAME:
        safe = f"{safe[: LONGEST_NAME // 2]}…{safe[-LONGEST_NAME // 3 :]}"
    return safe or "document"


def _bytes(path: Path) -> bytes:
    try:
        path = path.expanduser()
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadDocument(f"{path} is a folder", remedy="Name the files in it that matter.")
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
            raise BadDocument(f"{path} is a device, not a file")
        if status.st_size > LARGEST:
            raise _too_large(str(path))
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError, RuntimeError) as error:
        cause = getattr(error, "strerror", None) or error
        raise BadDocument(f"cannot read {path}: {cause}") from error


def _too_large(name: str) -> BadDocument:
    return BadDocument(
        f"{name} is larger than {LARGEST // 1_000_000} MB",
        remedy="Take the part of it that matters.",
    )


def _characters(found: str) -> str:
    """Only what can be written as UTF-8, with line feeds alone, and no NUL."""
    found = found.encode("utf-8", "replace").decode("utf-8")
    return found.replace("\r\n", "\n").replace("\0", "").removesuffix("\n")
