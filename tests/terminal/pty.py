"""A program at a real pseudo-terminal: what is typed goes in, and its screen comes out.

    with Terminal("chat", "tiny") as terminal:
        terminal.until(">>>")
        terminal.press("hello" + ENTER)
        terminal.until("thought for ")

POSIX only: on Windows skip the module that imports it.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte
import pytest

from tests.terminal.paper import Paper

RUNNER = [sys.executable, "-c", "from runner.cli.start import main; main()"]
"""The console script, wherever it is installed."""

ENTER, ALT_ENTER, TAB, UP, DOWN = "\r", "\x1b\r", "\t", "\x1b[A", "\x1b[B"
CTRL_C, CTRL_D, CTRL_G, CTRL_J, CTRL_L = "\x03", "\x04", "\x07", "\n", "\x0c"
CTRL_R, CTRL_T, CTRL_Z, BACKSPACE, ESCAPE = "\x12", "\x14", "\x1a", "\x7f", "\x1b"

PATIENCE = 60.0
"""Seconds until a wait has failed: long, because a machine may be busy."""

# The first process of a session makes the terminal its own by opening it.
TAKE_TERMINAL = """
import os, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """`runner` with `arguments`, or another `command`, at a terminal of its own."""

    def __init__(
        self,
        *arguments: str,
        command: Sequence[str] = RUNNER,
        columns: int = 100,
        rows: int = 40,
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        """`output` is a file that takes what the program writes to stdout."""
        self.paper = Paper(columns, rows)
        self.raw = bytearray()
        """All bytes the program wrote."""
        self._stream = pyte.ByteStream(self.paper)
        self._side, theirs = pty.openpty()
        self._set_size(columns, rows)
        with output.open("wb") if output else nullcontext(theirs) as stdout:
            self.process = subprocess.Popen(
                [sys.executable, "-S", "-c", TAKE_TERMINAL, *command, *arguments],
                stdin=theirs,
                stdout=stdout,
                stderr=theirs,
                start_new_session=True,
                env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            )
        os.close(theirs)

    @property
    def rows(self) -> list[str]:
        """What is on the screen now, down to the last row that says something."""
        return self.paper.rows

    @property
    def text(self) -> str:
        """The whole transcript, with what scrolled away."""
        return "\n".join(self.paper.transcript)

    def press(self, text: str) -> None:
        """Press keys."""
        os.write(self._side, text.encode())

    def paste(self, text: str) -> None:
        """Paste, as a terminal does that marks what is pasted; in pieces that the program takes."""
        data = f"\x1b[200~{text}\x1b[201~".encode()
        while data:
            _, ready, _ = select.select([self._side], [self._side], [], 1)
            if ready:
                data = data[os.write(self._side, data[:1024]) :]
            self.receive(0)

    def until(self, wanted: str | re.Pattern[str], *, times: int = 1) -> str:
        """Wait until the transcript has `wanted` so many times; the transcript."""
        pattern = re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
        self.wait(lambda: len(pattern.findall(self.text)) >= times, f"{wanted!r} × {times}")
        return self.text

    def wait(self, come: Callable[[], bool], what: str) -> None:
        """Wait until `come()` is true; `what` is said where it never is."""
        deadline = time.monotonic() + PATIENCE
        while not come():
            if time.monotonic() > deadline or not self.receive(0.2):
                if come():
                    return
                pytest.fail(f"{what} did not come; the transcript is\n{self.text}")

    def settle(self, seconds: float = 0.3) -> None:
        """Wait until the program has written nothing for a while."""
        deadline = time.monotonic() + PATIENCE
        size = -1
        while size != len(self.raw) and time.monotonic() < deadline:
            size = len(self.raw)
            self.receive(seconds)

    def look(self, seconds: float) -> None:
        """Look on for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self.receive(left):
            pass

    def receive(self, seconds: float, *, draw: bool = True) -> bool:
        """Take in what the program writes, waiting so long for it; False at its end. Without
        drawing it is quicker, and the screen is not known from then on."""
        if not select.select([self._side], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._side, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            return False
        self.raw += data
        if draw:
            self._stream.feed(data)
        for answer in self.paper.answers:
            os.write(self._side, answer.encode())
        self.paper.answers.clear()
        return bool(data)

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window's corner: the program is told as by any terminal."""
        self._set_size(columns, rows)
        self.paper.resize(rows, columns)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send the program a signal."""
        self.process.send_signal(number)

    def hang_up(self) -> int:
        """Close the window; the program's exit code."""
        os.close(self._side)
        self._side = -1
        return self.process.wait(PATIENCE)

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.receive(0.2):
            pass
        return self.process.wait(PATIENCE)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.kill()
        self.process.wait()
        if self._side >= 0:
            os.close(self._side)
