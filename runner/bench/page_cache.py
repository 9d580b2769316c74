"""The system's cache of a file in memory: dropping it, so that a load reads from the disk."""

import contextlib
import ctypes
import mmap
import os
import sys
from collections.abc import Sequence
from pathlib import Path

DROPPED = 0.02
"""Share of a file that may be left in memory where it counts as dropped."""


def drop(paths: Sequence[Path]) -> str:
    """Drop files from memory; "" where that was done, else why it could not be."""
    if not hasattr(os, "posix_fadvise"):
        return "this system drops no file from memory on request"
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                with contextlib.suppress(OSError):  # where nothing waits to be written
                    os.fsync(descriptor)  # what is not on the disk yet is not dropped
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
            left = resident(path)
        except OSError as error:
            return f"{path.name} cannot be dropped from memory: {error.strerror}"
        if left > DROPPED:
            return (
                f"{left:.0%} of {path.name} stays in memory: another program or its file system "
                "keeps it there"
            )
    return ""


def resident(path: Path) -> float:
    """The share of a file's pages that are in memory (Linux). Raises OSError."""
    import numpy

    with path.open("rb") as file:
        if sys.platform == "win32" or not path.stat().st_size:
            return 0.0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = numpy.frombuffer(mapped, dtype=numpy.uint8)
            pages = -(-len(mapped) // mmap.PAGESIZE)
            found = (ctypes.c_ubyte * pages)()
            library = ctypes.CDLL(None, use_errno=True)
            failed = library.mincore(
                ctypes.c_void_p(view.ctypes.data), ctypes.c_size_t(len(mapped)), found
            )
            del view
            if failed:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return sum(page & 1 for page in found) / pages
