"""Showing how far a long installation is, and keeping what it says."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from runner.bootstrap.causes import failure

LIVE_SECONDS = 0.5
PLAIN_SECONDS = 60.0
TAIL = 16_384  # bytes: a few of the compiler's command lines

# What the log's last lines say is being done; ninja counts the files, make gives per cent.
ACTIVITIES = (
    (r"\[(\d+)/(\d+)\] ", "compiling llama.cpp, {} of {} steps"),
    (r"\[ *(\d+)%\] ", "compiling llama.cpp, {} %"),
    (r"Building project", "compiling llama.cpp"),
    (r"Configuring CMake", "preparing llama.cpp"),
    (r"Looking in |Collecting |Downloading ", "fetching packages"),
    (r"Installing collected packages|Prepared \d+ package", "installing packages"),
)


def say(line: str) -> None:
    """Tell the person: on the standard error, for the standard output is the program's."""
    print(line, file=sys.stderr, flush=True)


class Progress:
    """Runs commands one after the other, their output going to the end of `log`.

    A terminal gets one line that counts the time; anything else a line a minute.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._live = sys.stderr.isatty()
        self._shown = 0
        self._began = time.monotonic()

    def run(self, command: Sequence[str]) -> None:
        """Run `command`; raises the RunnerError that its output explains if it fails."""
        if not self.try_run(command):
            raise failure(self.log)

    def try_run(self, command: Sequence[str]) -> bool:
        """Whether `command` could be run and succeeded."""
        settings = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_USER": "0",  # some systems make pip avoid its own environment
            "PYTHONUTF8": "1",
            "NO_COLOR": "1",
        }
        with self.log.open("ab") as log:
            log.write(f"\n$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=os.environ | settings,
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                return False
            return self._wait(process) == 0

    def elapsed(self) -> str:
        """The time since this began, in minutes and seconds."""
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60}:{seconds % 60:02d}"

    def close(self) -> None:
        """Wipe the live line, so that the next words stand alone."""
        if self._shown:
            print("\r" + " " * self._shown + "\r", end="", file=sys.stderr, flush=True)
            self._shown = 0

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            while True:
                try:
                    return process.wait(LIVE_SECONDS if self._live else PLAIN_SECONDS)
                except subprocess.TimeoutExpired:
                    self._show()
        except KeyboardInterrupt:  # the terminal sent it to the child as well
            process.terminate()
            process.wait()
            raise

    def _show(self) -> None:
        line = f"  {self.elapsed()}  {activity(self._tail())}"
        if self._live:
            print("\r" + line.ljust(self._shown), end="", file=sys.stderr, flush=True)
            self._shown = len(line)
        else:
            say(line)

    def _tail(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL))
            return log.read().decode("utf-8", "replace")


def activity(tail: str) -> str:
    """What the end of an installer's log says is being done."""
    latest, words = -1, "preparing"
    for pattern, description in ACTIVITIES:
        for match in re.finditer(pattern, tail):
            if match.start() > latest:
                latest, words = match.start(), description.format(*match.groups())
    return words
