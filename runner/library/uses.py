"""Which running Runner uses which files: a small note for each loaded model, so that `runner rm`
does not take a file away under it.

A note names the process and when that began, so that one left by a killed process is known.
"""

import atexit
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from runner.errors import DiskError
from runner.paths import data_directory

_numbers = count()


def folder() -> Path:
    """Where the notes lie."""
    return data_directory() / "in-use"


def mark(paths: Iterable[Path]) -> Callable[[], None]:
    """Note that this process uses files, until the result is called or the process ends.

    A disk that cannot be written keeps no note: the model runs all the same.
    """
    import psutil

    pid = os.getpid()
    note = folder() / f"{pid}-{next(_numbers)}.json"
    about = {
        "pid": pid,
        "began": psutil.Process(pid).create_time(),
        "paths": [str(path.resolve()) for path in paths],
    }
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(about), encoding="utf-8")

    def release() -> None:
        atexit.unregister(release)
        with suppress(OSError):
            note.unlink()

    atexit.register(release)
    return release


def require_unused(paths: Iterable[Path], name: str) -> None:
    """Raise DiskError where a running process uses one of the files."""
    wanted = {str(path.resolve()) for path in paths}
    for note, pid, used in _notes():
        if pid is not None and wanted.intersection(used):
            raise DiskError(
                f"{name} is in use by process {pid}",
                remedy=f"End it first. If it is no Runner, delete {note}.",
            )


def stale() -> list[Path]:
    """Notes of processes that are gone."""
    return [note for note, pid, _ in _notes() if pid is None]


def _notes() -> Iterator[tuple[Path, int | None, list[str]]]:
    """Each note, its process, None for one that is gone, and the files."""
    notes = sorted(folder().glob("*.json")) if folder().is_dir() else []
    for note in notes:
        try:
            about = json.loads(note.read_text(encoding="utf-8"))
            pid, began, paths = int(about["pid"]), float(about["began"]), list(about["paths"])
        except (OSError, ValueError, KeyError, TypeError):
            yield note, None, []
        else:
            yield note, pid if _lives(pid, began) else None, paths


def _lives(pid: int, began: float) -> bool:
    """Whether the process of a note still runs, and is not another that got its number."""
    import psutil

    try:
        return abs(psutil.Process(pid).create_time() - began) < 1
    except psutil.AccessDenied:
        return True
    except (psutil.Error, ValueError, OverflowError):
        return False
