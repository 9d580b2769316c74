"""Has a document read in a process of its own.

What reads PDF, Word and HTML is large, and a file may be made to occupy it for hours or to fill the
memory. A process can be stopped, and given bounds; and a chat's keys are answered meanwhile.
"""

import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from runner.errors import BadDocument, ConfigurationError

if TYPE_CHECKING:
    from runner.chat.documents.reading import Progress

PATIENCE = 120.0
"""Seconds after which the reading is given up: of a PDF for each page, else for all."""
TICK = 0.1
"""Seconds after which `progress` is told again what it knows, so that it can end the reading."""

Fact = dict[str, Any]


def read_apart(kind: str, data: bytes, progress: "Progress | None" = None) -> tuple[str, str]:
    """The text, and what a person should know of how it was read. Raises BadDocument, its words to
    follow the file's name, and ConfigurationError where what reads this kind is not installed."""
    pages = (0, 0)
    with closing(_facts(kind, data)) as facts:
        for fact in facts:
            match fact:
                case {"page": number, "of": count}:
                    pages = (number, count)
                case {"text": text, "details": details}:
                    return text, details
                case {"refused": words, "remedy": remedy}:
                    raise BadDocument(words, remedy=remedy)
                case {"missing": package}:
                    raise ConfigurationError(
                        f"reading {kind} documents needs {package}, which is not installed",
                        remedy='Install it with: pip install "runner-llm[documents]"',
                    )
                case {"failed": cause}:
                    raise _damaged(kind, cause)
            if progress is not None:
                progress(*pages)
    raise _damaged(kind, "what reads it died of it")


def _facts(kind: str, data: bytes) -> Generator[Fact, None, None]:
    """What the process says, and nothing in between, until it ends or is silent for too long."""
    child = subprocess.Popen(  # -P: a file in this folder may be called json.py
        [sys.executable, "-P", "-m", "runner.chat.documents.child", kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdin is not None and child.stdout is not None
    lines: SimpleQueue[bytes] = SimpleQueue()
    listener = Thread(target=_listen, args=(child.stdout, lines), daemon=True)
    listener.start()
    try:
        with suppress(OSError), child.stdin:  # where it died, it says no more
            child.stdin.write(data)
        heard = time.monotonic()
        while True:
            try:
                line = lines.get(timeout=TICK)
            except Empty:
                yield {}
                if time.monotonic() - heard > PATIENCE:
                    raise _too_slow() from None
                continue
            if not line.endswith(b"\n"):
                return
            heard = time.monotonic()
            yield json.loads(line)
    finally:
        child.kill()
        listener.join()
        child.stdout.close()
        child.wait()


def _listen(stream: IO[bytes], lines: "SimpleQueue[bytes]") -> None:
    """Pass on each line, and at the end an empty one or what is left of one."""
    for line in stream:
        lines.put(line)
    lines.put(b"")


def _too_slow() -> BadDocument:
    return BadDocument(
        f"takes too long to read: it was given up after {PATIENCE:.0f} s",
        remedy="Take the part of it that matters, or save it as text.",
    )


def _damaged(kind: str, cause: str) -> BadDocument:
    return BadDocument(
        f"cannot be read as {kind}: {cause}",
        remedy="It may be damaged; open it in its own program and save it again, or as text.",
    )
