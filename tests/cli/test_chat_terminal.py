"""`runner chat` at a real pseudo-terminal: typing, pasting, stopping a reply, leaving."""

import os
import re
import select
import stat
import sys
import time
from collections.abc import Iterator

import pytest

from runner.paths import data_directory
from tests.cli.conftest import COMMAND, FETCHABLE
from tests.loopback import LoopbackHub

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import fcntl
import pty
import struct
import termios

ENTER, CTRL_C, CTRL_D, CTRL_J, ALT_ENTER = "\r", "\x03", "\x04", "\n", "\x1b\r"
PASTE = "\x1b[200~{}\x1b[201~"
WHERE_IS_THE_CURSOR, HERE = b"\x1b[6n", b"\x1b[1;1R"
NO_MORE_PASTES = b"\x1b[?2004l"  # what ends the input line
SENT = "<sent>"
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[=>])|\r")
PATIENCE = 60  # seconds


class Terminal:
    """A program at a terminal of 100 columns and 40 rows."""

    def __init__(self, *arguments: str) -> None:
        self.process, self._side = pty.fork()
        if self.process == 0:
            os.environ["TERM"] = "xterm"
            os.execv(COMMAND[0], [*COMMAND, *arguments])
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._seen = b""
        self._read_to = 0

    def type(self, text: str) -> None:
        os.write(self._side, text.encode())

    def until(self, wanted: str) -> str:
        """Wait for a text after what was waited for last; all that came up to it, in plain text."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            plain = self._plain()
            at = plain.find(wanted, self._read_to)
            if at >= 0:
                start, self._read_to = self._read_to, at + len(wanted)
                return plain[start : self._read_to]
            if not self._receive(0.2):
                break
        pytest.fail(f"{wanted!r} did not come; after the last there was\n{plain[self._read_to :]}")

    def wait_for_more(self) -> None:
        """Wait until anything comes after what was waited for last."""
        while len(self._plain()) <= self._read_to and self._receive(0.2):
            pass

    def _plain(self) -> str:
        text = self._seen.replace(NO_MORE_PASTES, SENT.encode()).decode("utf-8", "replace")
        return ESCAPES.sub("", text)

    def _receive(self, seconds: float) -> bool:
        """Take in what comes; False at the end."""
        if not select.select([self._side], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._side, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            return False
        self._seen += data
        for _ in range(data.count(WHERE_IS_THE_CURSOR)):
            os.write(self._side, HERE)
        return bool(data)

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._receive(0.2):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def close(self) -> None:
        os.close(self._side)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal("chat", "tiny", "--temperature", "0")
    yield terminal
    terminal.close()


def test_typing_a_turn_and_leaving_with_ctrl_d(terminal: Terminal) -> None:
    opening = terminal.until(">>>")
    assert "tiny · context 2048 · " in opening
    terminal.type("What is 12 + 30?" + ENTER)
    terminal.until("What is 12 + 30?")
    terminal.until("thought for ")
    assert "42" in terminal.until(">>>")
    terminal.type(CTRL_D)
    assert terminal.end() == 0
    history = data_directory() / "history"
    assert "+What is 12 + 30?" in history.read_text("utf-8")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_ctrl_c_stops_a_reply_and_the_chat_goes_on(endless: tuple[str, ...]) -> None:
    terminal = Terminal("chat", "tiny", *endless)
    terminal.until(">>>")
    terminal.type("hello" + ENTER)
    terminal.until(SENT)
    terminal.wait_for_more()
    terminal.type(CTRL_C)
    terminal.until("stopped\n")
    terminal.until(">>>")
    terminal.type(CTRL_C)
    terminal.until("/bye or Ctrl-D leaves")
    terminal.until(">>>")
    terminal.type("/think" + ENTER)
    terminal.until("reasoning is hidden\n")
    terminal.until(">>>")
    terminal.type("/bye" + ENTER)
    assert terminal.end() == 0
    terminal.close()


def test_several_lines_are_one_turn(terminal: Terminal) -> None:
    terminal.until(">>>")
    terminal.type("/system one" + ALT_ENTER + "two" + CTRL_J + "three")
    terminal.until("three")
    terminal.type(ENTER)
    terminal.until("system prompt: one\ntwo\nthree\n")
    terminal.until(">>>")
    terminal.type(PASTE.format("/system four\rfive"))
    terminal.until("five")
    terminal.type(ENTER)
    terminal.until("system prompt: four\nfive\n")
    terminal.until(">>>")
    terminal.type(CTRL_D)
    assert terminal.end() == 0


def test_what_is_pasted_is_read_before_it_is_sent(terminal: Terminal) -> None:
    terminal.until(">>>")
    terminal.type(PASTE.format("Sort " + ", ".join(map(str, range(100, 160)))))
    terminal.until("159")
    time.sleep(3)  # a person looks at what was pasted
    terminal.type(ENTER)
    terminal.until("thought for ")
    terminal.until(">>>")
    terminal.type("/stats" + ENTER)
    counts = re.search(r"prompt (\d+) tokens, (\d+) of them reused", terminal.until("reused"))
    assert counts is not None
    assert int(counts[2]) >= int(counts[1]) - 10 > 200
    terminal.until(">>>")
    terminal.type(CTRL_D)
    assert terminal.end() == 0


def test_a_prompt_longer_than_the_context_is_taken_back(terminal: Terminal) -> None:
    terminal.until(">>>")
    terminal.type(PASTE.format("word " * 2500) + ENTER)
    terminal.until("error: the prompt has ")
    terminal.until("the question was taken back; /clear forgets the conversation so far")
    terminal.until(">>>")
    terminal.type("hello" + ENTER)
    terminal.until("thought for ")
    terminal.until(">>>")
    terminal.type(CTRL_D)
    assert terminal.end() == 0


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_model_that_is_not_here_is_offered(hub_with_model: LoopbackHub, answer: str) -> None:
    terminal = Terminal("run", FETCHABLE, "hello", "--think", "hide")
    terminal.until(f"hf.co/{FETCHABLE} is not on this machine. Fetch it from hf.co/{FETCHABLE}? ")
    terminal.until("[y/N]")
    terminal.type(answer + "\n")
    if answer == "y":
        terminal.until(" MB")
        assert terminal.end() == 0
        assert hub_with_model.seen("cdn")
    else:
        terminal.until("runner pull hf.co/somebody/Small-GGUF")
        assert terminal.end() == 3
        assert not hub_with_model.requests
    terminal.close()


def test_no_prompt_at_a_terminal_points_to_chat() -> None:
    terminal = Terminal("run", "tiny")
    terminal.until("error: there is no prompt")
    terminal.until("`runner chat`")
    assert terminal.end() == 2
    terminal.close()


def test_reasoning_is_dim_and_no_colour_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    for no_colour, dim in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_colour)
        terminal = Terminal("run", "tiny", "hello", "--temperature", "0")
        terminal.until("thought for ")
        assert terminal.end() == 0
        assert (b"\x1b[2m" in terminal._seen) == dim
        terminal.close()
