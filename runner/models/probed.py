"""Remembers which model files were probed, so that only a file never seen before waits for it."""

import json
from pathlib import Path

from runner.errors import DiskError
from runner.models.find import Located
from runner.paths import data_directory


def probe_once(located: Located) -> None:
    """Probe a model's file the first time it is seen; changed files are probed again. The one that
    ships needs none."""
    if located.entry is not None and located.entry.path is not None:
        return
    from runner.llama.library import PINNED_VERSION
    from runner.llama.probe import probe

    path = located.path
    state = path.stat()
    stamp = [state.st_size, state.st_mtime_ns, PINNED_VERSION]
    memory = data_directory() / "probed.json"
    try:
        probed = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        probed = {}
    if not isinstance(probed, dict) or probed.get(str(path.resolve())) != stamp:
        probe(path)
        kept = probed if isinstance(probed, dict) else {}
        kept[str(path.resolve())] = stamp
        _write(memory, json.dumps(kept))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror}") from error
