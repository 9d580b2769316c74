"""Dim text where a terminal shows it, plain text elsewhere."""

import os
import sys
from typing import TextIO


def dim(text: str, stream: TextIO) -> str:
    """`text` as it is to be written to `stream`: dimmed on a terminal that can, unless NO_COLOR."""
    return f"\x1b[2m{text}\x1b[22m" if text and _styled(stream) else text


def _styled(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    return sys.platform != "win32" or _windows_console_styles(stream)


def _windows_console_styles(stream: TextIO) -> bool:
    """Switch the console to understanding escape sequences; False where it cannot."""
    if sys.platform != "win32":
        return False
    import ctypes
    import msvcrt

    kernel32 = ctypes.WinDLL("kernel32")
    handle, mode = msvcrt.get_osfhandle(stream.fileno()), ctypes.c_ulong()
    if not kernel32.GetConsoleMode(ctypes.c_void_p(handle), ctypes.byref(mode)):
        return False
    processing = 4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
    return bool(kernel32.SetConsoleMode(ctypes.c_void_p(handle), mode.value | processing))
