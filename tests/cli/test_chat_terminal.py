"""`runner chat` with the tiny model at a real pseudo-terminal, and who else asks a person there."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.paths import data_directory
from tests.cli.conftest import FETCHABLE
from tests.loopback import LoopbackHub

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.terminal.pty import CTRL_C, CTRL_D, CTRL_T, ENTER, Terminal

STATS = r"\d+ tokens · [\d.]+ tokens/s · first after [\d.]+ s · \d+ of \d+ reused · context \d+ of"


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal("chat", "tiny", "--temperature", "0") as terminal:
        terminal.until("tiny · context 2048 · ")
        yield terminal


def leave(terminal: Terminal) -> str:
    terminal.press(CTRL_D)
    assert terminal.end() == 0
    return terminal.text


def test_a_turn_its_reply_and_what_it_took(terminal: Terminal) -> None:
    terminal.press("What is 12 + 30?" + ENTER)
    terminal.until(re.compile(STATS))
    terminal.press(CTRL_T)
    terminal.settle()
    assert re.fullmatch(
        r"tiny · context 2048 · .* · /help lists commands\n\n"
        r">>> What is 12 \+ 30\?\n"
        rf"thought for [\d.]+ s, \d+ tokens · Ctrl-T shows it\n\n.*42.*\n{STATS} 2048\n"
        r"what it thought for .*:\n.*42.*",
        leave(terminal),
        re.DOTALL,
    )
    assert "+What is 12 + 30?" in (data_directory() / "history").read_text("utf-8")


def test_the_prompt_comes_first_and_a_turn_waits_for_the_model(tmp_path: Path) -> None:
    template = tmp_path / "template.jinja"
    os.mkfifo(template)  # the model is not loaded before this is read
    with Terminal("chat", "tiny", "--template", str(template), "--max-tokens", "20") as terminal:
        terminal.until(">>>")
        terminal.press("What is 12 + 30?" + ENTER)
        terminal.until("loading tiny: ")
        template.write_text("{% for message in messages %}{{ message.content }}{% endfor %}")
        terminal.until(re.compile(STATS))
        assert terminal.text.startswith("\n>>> What is 12 + 30?\ntiny · context 2048 · ")
        leave(terminal)


def test_a_turn_that_waits_for_the_model_is_told_when_a_person_leaves(tmp_path: Path) -> None:
    template = tmp_path / "template.jinja"
    os.mkfifo(template)
    chat = ("chat", "tiny", "--no-save", "--template", str(template))
    with Terminal(*chat) as terminal:
        terminal.until(">>>")
        terminal.press("What is 12 + 30?" + ENTER)
        terminal.until("loading tiny: ")
        terminal.press(CTRL_D)
        terminal.wait(lambda: "loading" not in terminal.text, "the end of the wait")
        template.write_text("{{ messages[0].content }}")
        assert terminal.end() == 0
        assert terminal.text.count("not sent:\n>>> What is 12 + 30?") == 1


def test_ctrl_c_stops_a_reply_which_is_kept_whatever_the_size(endless: tuple[str, ...]) -> None:
    with Terminal("chat", "tiny", *endless, columns=80, rows=24) as terminal:
        terminal.until("tiny · context 2048 · ")
        terminal.press("hello" + ENTER)
        terminal.until("Ctrl-C stops")
        for columns, rows in ((50, 24), (110, 16), (90, 24)):
            terminal.look(0.15)
            terminal.resize(columns, rows)
        terminal.press("draft" + CTRL_C)
        terminal.until("stopped")
        assert re.search(STATS, terminal.text)
        assert terminal.rows[-1] == ">>> draft"
        assert terminal.text.count(">>> hello") == 1
        terminal.press(CTRL_C + CTRL_C)
        terminal.until("/bye or Ctrl-D leaves")
        terminal.press("/bye" + ENTER)
        assert terminal.end() == 0


def test_what_is_pasted_is_read_before_it_is_sent(terminal: Terminal) -> None:
    for attempt in range(6):  # on a busy machine it is read later
        numbers = range(100 + 60 * attempt, 160 + 60 * attempt)
        terminal.paste("Sort " + ", ".join(map(str, numbers)))
        terminal.until(str(numbers[-1]))
        terminal.look(2**attempt)  # a person looks at what was pasted
        terminal.press(ENTER)
        terminal.until(re.compile(STATS), times=attempt + 1)
        reused, total = map(int, re.findall(r"(\d+) of (\d+) reused", terminal.text)[-1])
        if reused >= total - 10 > 200:
            return
        terminal.press("/clear" + ENTER)
    pytest.fail(terminal.text)


def test_a_prompt_longer_than_the_context_comes_back(terminal: Terminal) -> None:
    terminal.paste("word " * 2500)
    terminal.until("word word")
    terminal.press(ENTER)
    terminal.until("error: the prompt has ")
    terminal.wait(lambda: terminal.rows[-1].endswith("word"), "the question")
    terminal.press(CTRL_C + "hello" + ENTER)
    terminal.until(re.compile(STATS))


def test_a_conversation_goes_on_in_a_new_process_after_a_kill(terminal: Terminal) -> None:
    terminal.press("My name is Anna." + ENTER)
    terminal.until(re.compile(STATS))
    terminal.kill()
    terminal.end()
    with Terminal("chat", "--continue") as again:
        again.until("My name is Anna.")
        again.press("What is my name?" + ENTER)
        again.until("thought for ")
        again.until(re.compile(rf"Anna\b.*\n{STATS}", re.DOTALL))


def test_nothing_is_left_of_a_conversation_that_is_not_to_be_kept() -> None:
    with Terminal("chat", "tiny", "--no-save") as terminal:
        terminal.until(">>>")
        terminal.press("What is 12 + 30?" + ENTER)
        terminal.until(re.compile(STATS))
        leave(terminal)
    secret = b"12 + 30"
    files = [path for path in data_directory().rglob("*") if path.is_file()]
    assert not [path for path in files if secret in path.read_bytes()]
    assert not (data_directory() / "history").exists()


@pytest.mark.parametrize("more", [(), ("--no-save",)])
def test_a_model_that_is_not_known_ends_it_as_any_command(more: tuple[str, ...]) -> None:
    with Terminal("chat", "nosuch", *more) as terminal:
        assert terminal.end() == 4
        assert re.search(r"^error: .*nosuch", terminal.text, re.MULTILINE)
        assert ">>>" not in terminal.text


def test_a_terminal_that_cannot_draw_gets_plain_text() -> None:
    with Terminal("chat", "tiny", environment={"TERM": "dumb"}) as terminal:
        terminal.until(">>>")
        terminal.press("What is 12 + 30?" + ENTER)
        terminal.until(re.compile(STATS))
        terminal.until(">>>", times=2)
        assert b"\x1b" not in terminal.raw
        leave(terminal)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_model_that_is_not_here_is_offered(hub_with_model: LoopbackHub, answer: str) -> None:
    with Terminal("run", FETCHABLE, "hello", "--think", "hide", columns=120) as terminal:
        terminal.until(f"hf.co/{FETCHABLE} is not on this machine. Fetch it from hf.co/{FETCHABLE}")
        terminal.until("[y/N]")
        terminal.press(answer + "\n")
        if answer == "y":
            terminal.wait(lambda: b" MB" in terminal.raw, "how much it is")
            assert terminal.end() == 0
            assert hub_with_model.seen("cdn")
        else:
            terminal.until("runner pull hf.co/somebody/Small-GGUF")
            assert terminal.end() == 3
            assert not hub_with_model.requests


def test_no_prompt_at_a_terminal_points_to_chat() -> None:
    with Terminal("run", "tiny") as terminal:
        terminal.until("error: there is no prompt")
        terminal.until("`runner chat`")
        assert terminal.end() == 2


def test_reasoning_is_dim_and_no_colour_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    for no_colour, dim in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_colour)
        with Terminal("run", "tiny", "hello", "--temperature", "0") as terminal:
            terminal.until("thought for ")
            assert terminal.end() == 0
            assert (b"\x1b[2m" in terminal.raw) == dim
