"""Files that say they are long and take little room: a beginning, and then nothing."""

import os
import sys
from io import FileIO
from pathlib import Path


def write_sparse(path: Path, data: bytes, size: int) -> None:
    """Make the file at `path`, whole or not at all: `data`, then zeros that no disk has to hold, up
    to `size` bytes. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("wb", buffering=0) as file:
            _mark_sparse(file)
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            file.truncate(size)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _mark_sparse(file: FileIO) -> None:
    """Ask Windows for what other systems do unasked; a file system that has no sparse files
    refuses, and then the file takes the room it seems to."""
    if sys.platform != "win32":
        return
    import ctypes
    import msvcrt

    set_sparse = 0x900C4  # FSCTL_SET_SPARSE
    handle, returned = msvcrt.get_osfhandle(file.fileno()), ctypes.c_ulong()
    ctypes.WinDLL("kernel32").DeviceIoControl(
        ctypes.c_void_p(handle), set_sparse, None, 0, None, 0, ctypes.byref(returned), None
    )
