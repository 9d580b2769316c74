"""`runner chat --plain` at a real terminal: a person can be asked, and nothing is drawn again."""

import re
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from runner.chat.chats import Chats
from tests.terminal.pty import CTRL_C, CTRL_D, Terminal

SORT = "Sort 4, 3, 2, 1, 9, 8, 7, 6, 11, 15, 12, 33, 45, 57, 82, 99\n"


def test_a_person_is_asked_and_gets_questions_back() -> None:
    chat = ("chat", "tiny", "--plain", "--temperature", "0", "--ctx", "400", "--threads", "1")
    with Terminal(*chat) as terminal:
        terminal.until(">>>")
        for number in range(3):
            terminal.press(SORT)
            terminal.until("context ", times=number + 2)
        while "[s/m/d/l]" not in terminal.text:
            terminal.press(SORT)
            terminal.settle(1)
        terminal.press("d\n")
        terminal.until(re.compile(r"the oldest \d+ turns left out; they stay in the conversation"))
        terminal.settle(1)
        terminal.press("/undo\n")
        terminal.until("back to before: Sort 4")
        terminal.until(re.compile(r">>> Sort 4.*99\Z"))
        terminal.press(CTRL_C)
        terminal.until("/bye or Ctrl-D leaves")
        terminal.press(CTRL_D)
        assert terminal.end() == 0
        assert b"\x1b[2J" not in terminal.raw


def test_a_terminal_that_can_do_little_is_asked_for_little() -> None:
    chat = ("chat", "tiny", "--temperature", "0", "--threads", "1", "--think", "hide")
    with Terminal(*chat, environment={"TERM": "dumb"}) as terminal:
        terminal.until(">>>")
        terminal.press("What is 12 + 30?\n")
        terminal.until("42")
        terminal.press("/bye\n")
        assert terminal.end() == 0
        assert b"\x1b[1m" not in terminal.raw


def test_a_text_of_several_lines_is_one_turn() -> None:
    chat = ("chat", "tiny", "--plain", "--temperature", "0", "--threads", "1", "--think", "hide")
    with Terminal(*chat) as terminal:
        terminal.until(">>>")
        terminal.press('"""What is\n')
        terminal.until("\n... ")
        terminal.press('12 + 30?\n"""\n')
        terminal.until("42")
        terminal.press("/bye\n")
        assert terminal.end() == 0
    with Chats() as chats:
        question, _ = chats.open(1).turns()
    assert question.content == "What is\n12 + 30?"
