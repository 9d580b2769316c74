"""What the system says of itself, in files and through programs: bounded, and never an error."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def text(path: Path) -> str:
    """What `path` holds, stripped of blanks around it; empty where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def sysctl(*arguments: str) -> str:
    """What macOS's `sysctl` prints; empty where it has no such key."""
    return output(["/usr/sbin/sysctl", *arguments], seconds=5) or ""


def output(command: Sequence[str], *, seconds: float) -> str | None:
    """What `command` wrote to its standard output; None if it is missing, fails or takes longer."""
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout.decode("utf-8", "replace")
