"""The chat's screen at a real pseudo-terminal, with replies that are known before."""

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from runner.paths import data_directory
from tests.terminal.pty import (
    ALT_ENTER,
    CTRL_C,
    CTRL_D,
    CTRL_G,
    CTRL_J,
    CTRL_L,
    CTRL_R,
    CTRL_T,
    CTRL_Z,
    ENTER,
    ESCAPE,
    TAB,
    UP,
    Terminal,
)

TALKER = [sys.executable, "-m", "tests.terminal.talker"]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal(command=TALKER, columns=80, rows=24) as terminal:
        terminal.until("ready")
        yield terminal


def leave(terminal: Terminal) -> list[str]:
    """Leave, and look at the whole transcript."""
    terminal.press(CTRL_D)
    assert terminal.end() == 0
    return terminal.text.splitlines()


def test_a_turn_stays_in_the_transcript_above_its_reply(terminal: Terminal) -> None:
    terminal.press("say Hello *there*." + ENTER)
    terminal.until("said 2 words")
    assert leave(terminal) == [
        "ready",
        "",
        ">>> say Hello *there*.",
        "Hello there.",
        "said 2 words",
        "left",
        "after the screen",
    ]


def test_what_is_typed_below_a_reply_stays_and_becomes_the_next_turn(terminal: Terminal) -> None:
    terminal.press("half 300" + ENTER)
    terminal.until("word149")
    terminal.press("say second" + ENTER + "draft")
    terminal.until("queued: say second")
    terminal.wait(lambda: terminal.rows[-1] == ">>> draft", "the draft")
    terminal.kill(signal.SIGUSR1)
    terminal.until("said 1 words")
    terminal.wait(lambda: terminal.rows[-1] == ">>> draft", "the line below")
    rows = terminal.text.splitlines()
    assert re.findall(r"word\d+", " ".join(rows)) == [f"word{n}" for n in range(300)]
    assert "queued" not in terminal.text
    assert rows.index(">>> say second") > rows.index("said 300 words")


def test_up_takes_a_waiting_turn_back(terminal: Terminal) -> None:
    terminal.press("busy" + ENTER)
    terminal.until("loading tiny: 42%")
    terminal.press("one" + ENTER + "two" + ENTER)
    terminal.until("queued: two")
    terminal.press(UP + " changed" + ENTER)
    terminal.until("queued: two changed")
    terminal.press(CTRL_C)
    terminal.until("heard 'two changed'")
    assert "heard 'one'" in terminal.text
    assert "heard 'two'" not in terminal.text


def test_ctrl_c_stops_a_reply_clears_the_line_and_says_how_to_leave(terminal: Terminal) -> None:
    terminal.press("half 300" + ENTER)
    terminal.until("word149")
    terminal.press("kept")
    terminal.until(">>> kept")
    terminal.press(CTRL_C)
    terminal.until("said 150 words")
    terminal.wait(lambda: terminal.rows[-1] == ">>> kept", "what was typed, whole again")
    terminal.press(CTRL_C)
    terminal.wait(lambda: terminal.rows[-1] == ">>>", "an empty line")
    terminal.press(CTRL_C)
    terminal.until("/bye or Ctrl-D leaves")
    assert "/bye" not in "\n".join(leave(terminal))


def test_ctrl_c_while_a_prompt_is_read_gives_the_question_back(terminal: Terminal) -> None:
    terminal.press("prefill my question" + ENTER)
    terminal.until("read 512 of 2048 tokens · Ctrl-C stops")
    terminal.press(CTRL_C)
    terminal.wait(lambda: terminal.rows[-1] == ">>> my question", "the question")


def test_reasoning_is_folded_to_a_line_and_unfolded_by_a_key(terminal: Terminal) -> None:
    terminal.press("ponder So it is." + ENTER)
    terminal.until("Thought number 19")
    terminal.until("thinking: ")
    terminal.kill(signal.SIGUSR1)
    terminal.until("said 3 words")
    folded = terminal.text
    assert re.search(r"\nthought for .+, 211 tokens · Ctrl-T shows it\n\nSo it is.\n", folded)
    assert "Thought number" not in folded
    terminal.press(CTRL_T)
    terminal.until("Thought number 29")
    thoughts = " ".join(terminal.text.split())
    assert all(f"Thought number {n} leads to the next." in thoughts for n in range(30))
    terminal.press(CTRL_T)
    terminal.until("there is no reasoning that is folded")


def test_reasoning_is_unfolded_while_it_streams(terminal: Terminal) -> None:
    terminal.press("ponder So it is." + ENTER)
    terminal.until("Thought number 19")
    assert "Thought number 0" not in terminal.text
    terminal.press(CTRL_T)
    terminal.until("Thought number 0")
    terminal.kill(signal.SIGUSR1)
    terminal.until("said 3 words")
    thoughts = " ".join(terminal.text.split())
    assert all(thoughts.count(f"Thought number {n} leads") == 1 for n in range(30))
    assert "Ctrl-T" not in terminal.text


@pytest.mark.parametrize(("how", "seen"), [("show", True), ("hide", False)])
def test_reasoning_is_shown_or_hidden(terminal: Terminal, how: str, seen: bool) -> None:
    terminal.press(f"thinking {how}" + ENTER + "reason So it is." + ENTER)
    terminal.until("said 3 words")
    assert ("Thought number 29 leads to the next." in terminal.text) == seen
    assert bool(re.search(r"thought for .* tokens$", terminal.text, re.MULTILINE)) == seen


def test_several_lines_are_one_turn(terminal: Terminal) -> None:
    terminal.press("one" + ALT_ENTER + "two" + CTRL_J + "three" + ENTER)
    terminal.until(r"heard 'one\ntwo\nthree'")
    terminal.paste("four\r  five")
    terminal.until("... ", times=3)
    terminal.press(ENTER)
    terminal.until(r"heard 'four\n  five'")
    terminal.press('"""six' + ENTER + "seven" + ENTER + '"""' + ENTER)
    terminal.until(r"heard 'six\nseven'")
    assert ">>> four\n...   five" in terminal.text


def test_a_long_paste_is_whole_and_its_echo_is_short(terminal: Terminal) -> None:
    terminal.paste("\n".join(f"pasted {number}" for number in range(500)))
    terminal.until("pasted 499")
    terminal.press(ENTER)
    terminal.until("heard 'pasted 0")
    terminal.settle()
    assert "... 480 more lines" in terminal.text
    heard = "".join(terminal.text.split())
    assert r"\n".join(f"pasted{number}" for number in range(500)) in heard


def test_history_is_kept_searched_and_private(terminal: Terminal) -> None:
    terminal.press("alpha one" + ENTER + "beta two" + ENTER)
    terminal.until("heard 'beta two'")
    assert "+alpha one" in (data_directory() / "history").read_text("utf-8")
    assert (data_directory() / "history").stat().st_mode & 0o777 == 0o600
    terminal.press("al" + UP + ENTER)
    terminal.until("heard 'alpha one'", times=2)
    terminal.press(CTRL_R + "bet")
    terminal.until("I-search backward: bet")
    terminal.press(ENTER)
    terminal.wait(lambda: ">>> beta two" in terminal.rows[-3:], "what was found")
    terminal.press(ENTER)
    terminal.until("heard 'beta two'", times=2)
    leave(terminal)
    with Terminal(command=TALKER) as again:
        again.until("ready")
        again.press(UP + UP + ENTER)
        again.until("heard 'alpha one'")


def test_a_history_that_cannot_be_written_is_said_and_no_more(terminal: Terminal) -> None:
    history = data_directory() / "history"
    history.unlink()
    history.mkdir()
    terminal.press("one" + ENTER)
    terminal.until("what is typed is not remembered: ")
    terminal.until("heard 'one'")
    leave(terminal)
    with Terminal(command=TALKER) as again:
        again.until("what is typed is not remembered: ")
        again.press("two" + ENTER)
        again.until("heard 'two'")
        again.press(UP)
        again.until(">>> two", times=2)


def test_commands_and_files_are_completed(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    terminal.press("/branche")
    terminal.until("/branches")
    terminal.press(TAB + ENTER)
    terminal.press(ENTER)
    terminal.until("heard '/branches'")
    terminal.press(f"read @{tmp_path}/no")
    terminal.until("notes.txt")
    terminal.press(TAB + ENTER + ENTER)
    terminal.wait(lambda: "/notes.txt'" in re.sub(r"\s", "", terminal.text), "the file")


def test_a_question_is_answered_in_the_line_and_the_draft_comes_back(terminal: Terminal) -> None:
    terminal.press("busy" + ENTER)
    terminal.until("loading")
    terminal.press("ask What now?" + ENTER + "my draft")
    terminal.until("queued: ask")
    terminal.press(CTRL_C)
    terminal.until("s/d?")
    assert "drop the oldest turns" in terminal.text
    terminal.press("x" + ENTER)
    terminal.until("answer s or d, then Enter")
    terminal.press("\x7fd" + ENTER)
    terminal.until("chosen d")
    terminal.wait(lambda: terminal.rows[-1] == ">>> my draft", "the draft")
    assert "What now?\nd: drop the oldest turns\n" in terminal.text
    terminal.press(CTRL_C + "ask Again?" + ENTER)
    terminal.until("s/d?")
    terminal.press(CTRL_C)
    terminal.until("chosen s")
    assert "my draft" not in (data_directory() / "history").read_text("utf-8")


def test_a_turn_that_waits_stays_while_a_question_is_open(terminal: Terminal) -> None:
    terminal.press("busy" + ENTER)
    terminal.until("loading")
    terminal.press("ask Sure?" + ENTER + "precious text" + ENTER)
    terminal.until("queued: precious text")
    terminal.press(CTRL_C)
    terminal.until("s/d?")
    terminal.press(UP + "d" + ENTER)
    terminal.until("chosen d")
    terminal.until("heard 'precious text'")


def test_a_question_longer_than_the_screen_is_seen_whole_and_with_its_choices(
    terminal: Terminal,
) -> None:
    terminal.press("confirm 300" + ENTER)
    terminal.until("s/d?")
    screen = "\n".join(terminal.rows)
    assert "(the whole of it is above)" in screen
    assert "  s  stop here\n  d  drop the oldest turns\ns/d?" in screen
    asked = re.findall(r"argument\d+", terminal.text.partition("(the whole")[0])
    assert asked[:300] == [f"argument{number}" for number in range(300)]
    terminal.press("d" + ENTER)
    terminal.until("chosen d")
    assert terminal.text.count("argument299") == 1


def test_a_text_is_changed_in_the_line_or_given_up(terminal: Terminal) -> None:
    terminal.press("edit a summary" + ENTER)
    terminal.until("edit> a summary")
    terminal.press("\x05 of it" + ENTER)
    terminal.until("edited 'a summary of it'")
    terminal.press("edit another" + ENTER)
    terminal.until("edit> another")
    terminal.press(CTRL_C)
    terminal.until("edited None")


def test_the_editor_changes_what_is_typed(tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    script.write_text("import sys, pathlib; p = pathlib.Path(sys.argv[1])\n"
                      "p.write_text(p.read_text().upper() + '\\nEND\\n')\n", "utf-8")  # fmt: skip
    editor = {"VISUAL": f"{sys.executable} {script}"}
    with Terminal(command=TALKER, environment=editor) as terminal:
        terminal.until("ready")
        terminal.press("words" + CTRL_G)
        terminal.until("... END")
        terminal.press(ENTER)
        terminal.until(r"heard 'WORDS\nEND'")


def test_an_editor_that_cannot_be_run_is_said() -> None:
    with Terminal(command=TALKER, environment={"VISUAL": "/nonexistent/editor"}) as terminal:
        terminal.until("ready")
        terminal.press("words" + CTRL_G)
        terminal.until("the editor failed: ")
        terminal.wait(lambda: terminal.rows[-1] == ">>> words", "what was typed")


def test_keys_of_vi() -> None:
    with Terminal(command=[*TALKER, "vi"]) as terminal:
        terminal.until("ready")
        terminal.press("one two" + ESCAPE)
        terminal.settle(0.7)
        terminal.press("bD" + "asix" + ENTER)
        terminal.until("heard 'one six'")


def test_resizing_while_a_reply_streams_loses_and_doubles_nothing(terminal: Terminal) -> None:
    terminal.press("paragraph 600" + ENTER)
    for number, (columns, rows) in enumerate([(60, 24), (100, 16), (40, 30), (80, 24)]):
        terminal.until(f"word{100 * number + 50}")
        terminal.resize(columns, rows)
    terminal.until("said 600 words")
    words = re.findall(r"word\d+", " ".join(terminal.text.split()))
    assert words == [f"word{number}" for number in range(600)]


def test_a_reply_of_many_lines_is_whole_in_the_scrollback(terminal: Terminal) -> None:
    terminal.press("long 10000" + ENTER)
    terminal.wait(lambda: b"said 20000 words" in terminal.raw, "the end")
    numbers = re.findall(r"^line (\d+)$", terminal.text, re.MULTILINE)
    assert numbers == [str(number) for number in range(10_000)]


def test_nothing_that_is_printed_or_said_garbles_the_screen(terminal: Terminal) -> None:
    terminal.press("print \x16\x1b[31mred" + ENTER)
    terminal.until("on stderr")
    terminal.press("error bad" + ENTER)
    terminal.until("error: bad\nDo this.\n")
    terminal.press("call {}" + ENTER)
    terminal.until("tool call: {}")
    terminal.press("copy it" + ENTER)
    terminal.until("copied it")
    assert b"\x1b]52;c;aXQ=\a" in terminal.raw
    assert b"\x1b[31m" not in terminal.raw
    terminal.wait(lambda: terminal.rows[-1] == ">>>", "the line below")


def test_a_screen_is_begun_anew(terminal: Terminal) -> None:
    terminal.press("one" + ENTER)
    terminal.until("heard 'one'")
    terminal.press("draft" + CTRL_L)
    terminal.wait(lambda: terminal.rows == ["", ">>> draft"], "an empty screen")


def test_leaving_while_a_reply_streams_keeps_what_was_said(terminal: Terminal) -> None:
    terminal.press("half 300" + ENTER)
    terminal.until("word149")
    terminal.press("never sent" + ALT_ENTER + "either" + ENTER)
    terminal.until("queued")
    rows = "\n".join(leave(terminal))
    assert rows.endswith(
        "\nsaid 150 words\nleft\nnot sent:\n>>> never sent\n... either\nafter the screen"
    )


def test_leaving_while_a_prompt_is_read_says_what_is_not_answered(terminal: Terminal) -> None:
    terminal.press("prefill my question" + ENTER)
    terminal.until("read 512 of 2048 tokens")
    assert leave(terminal)[-4:] == ["left", "not sent:", ">>> my question", "after the screen"]


def test_after_leaving_nothing_begins_that_could_be_stopped(terminal: Terminal) -> None:
    terminal.press("chain 5000" + ENTER)
    terminal.until("loading tiny: 42%")
    assert "said 0 words" in leave(terminal)


def test_a_fault_of_the_talk_comes_out_with_the_terminal_as_it_was(terminal: Terminal) -> None:
    terminal.press("raise this" + ENTER)
    assert terminal.end() == 1
    assert terminal.text.splitlines()[-1] == "ValueError: this"
    assert terminal.raw.rstrip().rfind(b"\x1b[?2004l") > terminal.raw.rfind(b"\x1b[?2004h")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_what_was_said_is_there(terminal: Terminal, number: int) -> None:
    terminal.press("half 300" + ENTER)
    terminal.until("word149")
    terminal.press("draft")
    terminal.until(">>> draft")
    terminal.kill(number)
    assert terminal.end() == -number
    assert terminal.text.endswith("\nsaid 150 words\nleft\nnot sent:\n>>> draft")


def test_a_window_that_is_closed_ends_it_in_order(tmp_path: Path) -> None:
    left = tmp_path / "left"
    with Terminal(command=TALKER, environment={"TALKER_LEFT": str(left)}) as terminal:
        terminal.until("ready")
        terminal.press("half 300" + ENTER)
        terminal.until("word149")
        terminal.press("never sent" + ENTER)
        terminal.until("queued")
        assert terminal.hang_up() == -signal.SIGHUP
        assert left.exists()


def test_the_shell_has_the_terminal_while_it_is_suspended() -> None:
    shell = ["/bin/sh", "-i"]
    with Terminal(command=shell, environment={"PS1": "shell: ", "ENV": ""}) as terminal:
        terminal.press(" ".join(TALKER) + ENTER)
        terminal.until("ready")
        terminal.press("busy" + ENTER)
        terminal.until("loading")
        terminal.press("draft" + CTRL_Z)
        terminal.until("Stopped")
        terminal.wait(lambda: terminal.rows[-1] == "shell:", "the shell")
        terminal.press("echo in the shell" + ENTER)
        terminal.until("in the shell", times=2)
        terminal.press("fg" + ENTER)
        terminal.until(">>> draft")
        terminal.press(CTRL_C)
        terminal.until("no longer busy")
        assert terminal.text.count("in the shell\n") == 2


def test_what_is_typed_is_told_when_it_rests(terminal: Terminal) -> None:
    terminal.press("think aloud")
    terminal.until("resting: think aloud")
    terminal.wait(lambda: terminal.rows[-1] == ">>> think aloud", "the line below")


def test_without_colours_there_are_none() -> None:
    with Terminal(command=TALKER, environment={"NO_COLOR": "1"}) as terminal:
        terminal.until("ready")
        terminal.press("reason **So** `it` is." + ENTER)
        terminal.until("said 3 words")
        assert set(re.findall(rb"\x1b\[([\d;]*)m", terminal.raw)) <= {b"0", b"", b"0;1", b"1"}
