"""`runner chat` as a person has it: the real program and model, over several starts."""

import re
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from runner.chat.chats import Chats
from runner.paths import data_directory
from tests.terminal.pty import CTRL_D, ENTER, Terminal

GREEDY = ("--temperature", "0", "--threads", "1")
DONE = " of 2048"  # what ends the line after a reply
QUESTIONS = ("My name is Ada.", "What is 12 + 30?", "What is my name?")


def talk(*questions: str, options: tuple[str, ...] = ("tiny",)) -> str:
    """A chat from its start to its end; the transcript."""
    with Terminal("chat", *options, *GREEDY) as terminal:
        terminal.until(">>>")
        for number, question in enumerate(questions, 1):
            terminal.press(question + ENTER)
            terminal.until(DONE, times=number)
        terminal.press(CTRL_D)
        assert terminal.end() == 0
        return terminal.text


def contents(number: int) -> list[str]:
    with Chats() as chats:
        return [turn.content for turn in chats.open(number).turns()]


def test_a_conversation_resumed_goes_on_as_one_that_never_stopped() -> None:
    talk(*QUESTIONS)
    talk(*QUESTIONS[:2])
    seen = talk(QUESTIONS[2], options=("--continue",))
    assert contents(2) == contents(1)
    assert len(contents(1)) == 6
    assert "12 + 30 = 42." in seen  # what was said last stands above
    talk("What is 1 + 2?", options=("--resume", "12 + 30"))
    assert contents(2)[6] == "What is 1 + 2?"
    assert len(contents(2)) == 8


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[A-Za-z]{4,}", text))


def test_a_kill_in_the_middle_of_a_reply_loses_nothing_that_was_seen_half_a_second_before(
    endless: tuple[str, ...],
) -> None:
    with Terminal("chat", "tiny", *endless, "--think", "show") as terminal:
        terminal.until("context 2048")
        terminal.press("hello" + ENTER)
        terminal.wait(lambda: words(terminal.text).total() > 80, "a reply of some length")
        _, _, shown = terminal.text.partition(">>> hello")
        terminal.settle(0.6)
        terminal.kill(signal.SIGKILL)
        terminal.end()
    with Chats() as chats:
        latest = chats.latest()
        assert latest is not None
        question, reply = latest.turns()
    assert question.content == "hello"
    # Some on the screen is not the reply's: what stands below it, and words that an invisible
    # character parts.
    lost = words(shown) - words(f"{reply.reasoning} {reply.content}")
    assert lost.total() <= 15 < words(shown).total() // 4, lost
    assert "> hello" in talk("What is 1 + 2?", options=("--continue",))
    assert len(contents(1)) == 4


def test_another_model_goes_on_in_the_middle(tmp_path: Path, tiny_path: Path) -> None:
    other = tmp_path / "other.gguf"
    shutil.copy(tiny_path, other)
    with Terminal("chat", "tiny", *GREEDY) as terminal:
        terminal.until(">>>")
        terminal.press(QUESTIONS[0] + ENTER)
        terminal.until(DONE)
        terminal.press(f"/model {other}" + ENTER)
        terminal.until("other.gguf")
        terminal.press(QUESTIONS[2] + ENTER)
        terminal.until(DONE, times=2)
        assert "Ada" in terminal.text.rpartition(QUESTIONS[2])[2]
        terminal.press(CTRL_D)
        assert terminal.end() == 0
    with Chats() as chats:
        chat = chats.open(1)
        first, second = (turn.model for turn in chat.turns() if turn.role == "assistant")
        assert (first, second) == ("tiny", str(other))
        assert chat.model == str(other)


def test_what_is_not_to_be_kept_leaves_no_trace() -> None:
    secret = "Xylophonist"
    options = ("tiny", *GREEDY, "--no-save")
    with Terminal("chat", *options) as terminal:
        terminal.until(">>>")
        terminal.paste(f"Spell {secret}. " + ", ".join(map(str, range(100, 220))))
        terminal.until("219")
        terminal.settle(1.0)  # it is read ahead
        terminal.press(ENTER)
        terminal.until(DONE)
        terminal.settle(3.0)  # an idle engine would write what it read
        terminal.press(CTRL_D)
        assert terminal.end() == 0
        assert secret in terminal.text
    kept = [path for path in data_directory().rglob("*") if path.is_file()]
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
    assert not [path for path in kept if path.suffix == ".kv" or "chats" in path.name]
