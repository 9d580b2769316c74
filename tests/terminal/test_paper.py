"""The terminal that the tests look at: it keeps what scrolls away, and resizes as xterm does."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.terminal.pty import CTRL_C, CTRL_D, ENTER, Terminal

ECHO = [sys.executable, "-c", "for line in open(0): print('heard', line.strip(), flush=True)"]


def test_what_scrolls_away_is_kept_in_order() -> None:
    numbers = [sys.executable, "-c", "for n in range(30): print('row', n)"]
    with Terminal(command=numbers, rows=10) as terminal:
        assert terminal.end() == 0
        assert terminal.text.splitlines() == [f"row {n}" for n in range(30)]
        assert terminal.rows == [f"row {n}" for n in range(21, 30)]


def test_keys_reach_the_program_and_ctrl_c_is_a_signal() -> None:
    with Terminal(command=ECHO) as terminal:
        terminal.press("one" + ENTER)
        terminal.until("heard one")
        terminal.press(CTRL_C)
        assert terminal.end() == -2
    with Terminal(command=ECHO) as terminal:
        terminal.press("one" + ENTER + CTRL_D)
        assert terminal.end() == 0


def test_rows_that_no_longer_fit_scroll_away() -> None:
    with Terminal(command=ECHO, rows=10, columns=20) as terminal:
        terminal.press("one" + ENTER)
        terminal.until("heard one")
        terminal.settle()
        terminal.press("two" + ENTER)
        terminal.until("heard two")
        terminal.settle()
        terminal.resize(12, 3)
        assert terminal.rows == ["two", "heard two"]
        assert terminal.text.splitlines() == ["one", "heard one", "two", "heard two"]
        terminal.press("six" + ENTER)
        terminal.until("heard six")
        assert terminal.text.splitlines()[-2:] == ["six", "heard six"]
