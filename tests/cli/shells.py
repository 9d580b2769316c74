"""A real shell at a pseudo-terminal, to see what Tab does."""

import os
import select
import sys
import time

PATIENCE = 60  # seconds


def completed_by(command: list[str], setup: str, lines: list[str]) -> list[str]:
    """What each line has become after Tab at its end."""
    if sys.platform == "win32":
        raise NotImplementedError
    import pty

    process, side = pty.fork()
    if process == 0:
        os.environ |= {"TERM": "dumb", "PS1": "> "}
        os.execv(command[0], command)
    try:
        os.write(side, f"{setup}\necho rea''dy\n".encode())
        _until(side, "ready")
        completed = []
        for line in lines:
            # The shell completes before it reads on. Ctrl-A and Ctrl-E go to the ends of the
            # line, which so is printed and not run.
            os.write(side, f"{line}\t\x01printf '<%s>\\n' '\x05'\n".encode())
            completed.append(_until(side, "<", ">"))
        return completed
    finally:
        os.close(side)
        os.waitpid(process, 0)


def _until(side: int, *marks: str) -> str:
    """Read up to the last line that begins with the first mark; what is between the marks."""
    seen, deadline = "", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        seen += _received(side)
        for line in seen.splitlines():
            if line.startswith(marks[0]) and line.endswith(marks[-1]):
                return line[len(marks[0]) : -len(marks[-1])] if len(marks) > 1 else line
    raise AssertionError(f"the shell said only {seen!r}")


def _received(side: int, seconds: float = 1) -> str:
    if not select.select([side], [], [], seconds)[0]:
        return ""
    return os.read(side, 65536).decode("utf-8", "replace")
