"""Remembers which model files were probed, so that only a file never seen before waits for it."""

import json

from runner.models.find import Located
from runner.paths import data_directory
from runner.whole import write_whole


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
        write_whole(memory, json.dumps(kept), make_folder=True)
