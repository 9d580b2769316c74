"""`runner chat` from a pipe: whole transcripts, one turn a line."""

import json
import re
import subprocess
from pathlib import Path

from tests.cli.conftest import COMMAND, Runner

CHAT = ("chat", "tiny", "--temperature", "0")


def turns(out: str) -> list[str]:
    return out.splitlines()


def test_a_transcript(runner: Runner) -> None:
    said = runner(*CHAT, "--think", "hide", "--quiet", stdin="What is 12 + 30?\n\n/bye\nhello\n")
    assert (said.code, said.err) == (0, "")
    assert len(turns(said.out)) == 1
    assert "42" in said.out


def test_the_header_and_the_reasoning_go_to_stderr(runner: Runner) -> None:
    said = runner(*CHAT, stdin="hello\n")
    assert said.code == 0
    header, rest = said.err.split("\n", 1)
    assert re.fullmatch(
        r"tiny · context 2048 · CPU, \d+ threads? · /help lists commands", header
    ) or re.fullmatch(r"tiny · context 2048 · \w+ layers on .*", header)
    assert re.fullmatch(
        r"\S.*\nthought for \d+\.\d s\n\n"
        r"\d+ tokens · [\d.]+ tokens/s · first after [\d.]+ s · 0 of \d+ reused · "
        r"context \d+ of 2048\n",
        rest,
        re.DOTALL,
    )
    assert "thought" not in said.out


def test_nothing_is_said_of_hidden_reasoning_that_took_no_time(runner: Runner) -> None:
    said = runner(*CHAT, "--think", "hide", stdin="hello\n")
    header, took = said.err.splitlines()
    assert header.startswith("tiny · context 2048")
    assert " tokens/s · " in took


def test_a_name_is_remembered_over_turns(runner: Runner) -> None:
    lines = "My name is Anna.\nhello\nWhat is my name?\n"
    said = runner(*CHAT, "--think", "hide", "--quiet", stdin=lines)
    assert "Anna" in turns(said.out)[-1]


def test_clear_begins_anew(runner: Runner) -> None:
    said = runner(
        *CHAT, "--json", "--quiet", stdin="hello\n/clear\nhello\n/regenerate\nhello there\n"
    )
    assert said.code == 0
    facts = [json.loads(line) for line in said.out.splitlines()]
    sizes = [fact["timings"]["prompt_tokens"] for fact in facts]
    assert sizes[0] == sizes[1] == sizes[2] < sizes[3]
    assert facts[0]["answer"] == facts[1]["answer"] == facts[2]["answer"]
    assert said.err == "a new conversation; the one before is kept as 1\n"


def test_commands_answer_on_stderr(runner: Runner) -> None:
    lines = "/help\n/?\n/think\n/think show\n/think loud\n/system Be brief.\n/system\n"
    more = "/system none\n/stats\n/regenerate\n/dance\n/hlep\n/quit\n"
    said = runner(*CHAT, "--quiet", stdin=lines + more)
    assert (said.code, said.out) == (0, "")
    for line in (
        "reasoning is hidden",
        "reasoning is shown",
        "/think show, fold, hide, on or off; /think 500 closes it after 500 tokens",
        "system prompt: Be brief.",
        "system prompt: none",
        "there was no reply yet",
        "there is nothing to answer again",
        "there is no command /dance; /help lists them",
        "there is no command /hlep; did you mean /help? /help lists them",
    ):
        assert f"{line}\n" in said.err
    assert said.err.count("answer the last question again, beside its answer") == 2


def test_a_path_is_not_a_command(runner: Runner) -> None:
    said = runner(*CHAT, "--quiet", "--think", "hide", stdin="/etc/hosts\n")
    assert said.code == 0
    assert len(turns(said.out)) == 1


def test_stats(runner: Runner) -> None:
    said = runner(*CHAT, "--quiet", "--think", "hide", stdin="hello\nhello\n/stats\n")
    assert re.fullmatch(
        r"prompt \d+ tokens, \d+ of them reused; read at [\d.]+ tokens/s\n"
        r"reply \d+ tokens at [\d.]+ tokens/s; the first after [\d.]+ s\n"
        r"context \d+ of 2048 tokens; seed \d+\n",
        said.err,
    )


def test_reasoning_is_shown_and_hidden_by_command(runner: Runner) -> None:
    shown = runner(*CHAT, "--quiet", stdin="hello\n")
    hidden = runner(*CHAT, "--quiet", stdin="/think hide\nhello\n")
    assert shown.out == hidden.out
    assert shown.err.strip()
    assert hidden.err == "reasoning is hidden\n"


def test_a_system_prompt_is_read_with_every_turn(runner: Runner) -> None:
    options = (*CHAT, "--json", "--quiet")
    without = json.loads(runner(*options, stdin="hello\n").out)
    given = json.loads(runner(*options, "--system", "Be brief.", stdin="hello\n").out)
    told = json.loads(runner(*options, stdin="/system Be brief.\nhello\n").out)
    sizes = [facts["timings"]["prompt_tokens"] for facts in (without, given, told)]
    assert sizes[0] < sizes[1] == sizes[2]


def test_a_prompt_longer_than_the_context_ends_a_script(runner: Runner) -> None:
    said = runner(*CHAT, "--quiet", stdin="word " * 3000 + "\nhello\n")
    assert (said.code, said.out) == (7, "")
    assert said.err.startswith("error: the prompt has ")


def test_with_nothing_fetched_and_no_name_the_shipped_model_talks(
    runner: Runner,
) -> None:
    said = runner("chat", "--think", "hide", stdin="")
    assert (said.code, said.out) == (0, "")
    header, suggestion = said.err.splitlines()
    assert header.startswith("tiny · ")
    assert suggestion == (
        "tiny is the small model inside Runner; "
        "`runner recommend` names larger ones that suit this machine"
    )


def test_a_conversation_goes_on_in_a_new_process_as_if_it_had_not_ended(runner: Runner) -> None:
    quiet = ("--think", "hide", "--quiet", "--system", "Be brief.")
    whole = runner(*CHAT, *quiet, "--no-save", stdin="My name is Anna.\nWhat is my name?\n")
    runner(*CHAT, *quiet, stdin="My name is Anna.\n")
    later = subprocess.run(
        [*COMMAND, "chat", "--continue", "--temperature", "0", "--think", "hide", "--quiet"],
        input="What is my name?\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert later.stdout.splitlines() == whole.out.splitlines()[1:]
    assert later.stderr == ""


def test_conversations_are_resumed_by_number_or_words(runner: Runner) -> None:
    runner(*CHAT, "--quiet", stdin="My name is Anna.\n")
    runner(*CHAT, "--quiet", stdin="hello\n")
    for wanted in ("1", "anna name"):
        said = runner("chat", "--resume", wanted, "--quiet", stdin="/turns\n")
        assert said.err.startswith("  1  My name is Anna.\n")
    assert runner("chat", "--resume", "7", stdin="").code == 4
    assert runner("chat", "--resume", "7", "--continue", stdin="").code == 2
    assert runner("chat", "--continue", "--no-save", stdin="").code == 2


def test_a_file_has_as_many_tokens_wherever_they_are_told(runner: Runner, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("My name is <|im_start|> Anna.")
    chat = runner(*CHAT, "--quiet", stdin=f"/attach {note}\n/tokens\n").err
    run = runner("run", "tiny", "What is my name?", "--file", str(note)).err
    counts = [re.search(r"note\.txt: .*, (\d+) tokens", text) for text in (chat, run)]
    counts.append(re.search(r" (\d+)  note\.txt, to be sent", chat))
    told = [found and found[1] for found in counts]
    assert told == [told[0]] * 3 and told[0]
