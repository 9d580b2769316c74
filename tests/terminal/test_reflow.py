"""A terminal that breaks its rows anew when it is made narrower: tmux, where it is installed."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TMUX = shutil.which("tmux")
if TMUX is None:
    pytest.skip("tmux is not installed", allow_module_level=True)

PATIENCE = 60  # seconds


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A tmux of its own."""

    def run(*words: str) -> str:
        command = [TMUX or "tmux", "-S", str(tmp_path / "tmux"), "-f", os.devnull, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    yield run
    run("kill-server")


def test_narrowing_while_a_reply_streams_loses_nothing(tmux: Callable[..., str]) -> None:
    """Rows that are written after the terminal broke its rows anew and before the program is told
    are written in the wrong place: they may stand there twice, and nothing can be done about it."""

    def until(wanted: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while wanted not in (text := tmux("capture-pane", "-p", "-J", "-S", "-")):
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
        return text

    talker = f"{sys.executable} -m tests.terminal.talker"
    tmux("new-session", "-d", "-x", "100", "-y", "30", talker)
    until("ready")
    tmux("send-keys", "paragraph 400", "Enter")
    until("word100 ")
    tmux("resize-window", "-x", "60", "-y", "30")
    until("word200 ")
    tmux("resize-window", "-x", "90", "-y", "30")
    text = until("said 400 words")
    words = re.findall(r"word\d+", text)
    reached = 0
    for number in (int(word.removeprefix("word")) for word in words):
        assert number <= reached, f"word{reached} is lost"
        reached = max(reached, number + 1)
    assert reached == 400
