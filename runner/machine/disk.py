"""How much room is left where a file is to be written."""

import shutil
from pathlib import Path


def free_disk(path: Path) -> int:
    """Bytes free for this user on the file system of `path`, which need not exist yet."""
    existing = path.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free
