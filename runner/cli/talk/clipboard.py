"""The clipboard, through the program that this system has for it, or through the terminal."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

PATIENCE = 5  # seconds


def copied(text: str) -> bool:
    """Put a text on the clipboard of this machine. False where that cannot be, and where a person
    sits at another one, which only the terminal reaches."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    return any(_given(command, text) for command in _programs())


def sequence(text: str) -> str:
    """What makes a terminal put a text on its clipboard (OSC 52)."""
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"


def _programs() -> Iterator[list[str]]:
    if sys.platform == "darwin":
        yield ["pbcopy"]
    elif sys.platform == "win32":
        yield ["clip"]
    else:
        if os.environ.get("WAYLAND_DISPLAY"):
            yield ["wl-copy"]
        if os.environ.get("DISPLAY"):
            yield ["xclip", "-selection", "clipboard"]
            yield ["xsel", "--input", "--clipboard"]


def _given(command: list[str], text: str) -> bool:
    program = shutil.which(command[0])
    if program is None:
        return False
    # Windows' own program reads UTF-16; all others take bytes as they are.
    data = text.encode("utf-16" if sys.platform == "win32" else "utf-8")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
