"""The plain face at a real pseudo-terminal, with stdout in a file."""

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.terminal.pty import CTRL_C, CTRL_D, Terminal

ASKS = """
from runner.cli.talk.face import Choice
from runner.cli.talk.plain import PlainFace
from runner.settings import load

face = PlainFace(load({}), interactive=True)
choices = [Choice("n", "do not run it"), Choice("y", "run it")]
asked = [face.ask("run it?", choices) for _ in range(3)]
print(*asked, face.edit("a text"))
"""


def test_only_results_go_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Terminal(command=[sys.executable, "-c", ASKS], output=out) as terminal:
        terminal.until("[n/y]")
        terminal.press("y\n")
        terminal.until("[n/y]", times=2)
        terminal.press(CTRL_C)
        terminal.until("[n/y]", times=3)
        terminal.press(CTRL_D)
        terminal.until("edit:")
        terminal.press("another\n")
        assert terminal.end() == 0
    assert out.read_text() == "y n n another\n"
