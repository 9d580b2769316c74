"""`runner run` with the shipped model: what goes to stdout, to stderr and into JSON."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.chat.chats import Chats
from runner.chat.extract import first_code
from runner.cli.output import print_json
from runner.paths import data_directory
from tests.cli.conftest import COMMAND, Runner

GREEDY = ("--temperature", "0")
SUM = "What is 12 + 30?"


def test_the_answer_goes_to_stdout_and_reasoning_to_stderr(runner: Runner) -> None:
    said = runner("run", "tiny", SUM, *GREEDY)
    assert said.code == 0
    assert "42" in said.out
    assert said.out == said.out.strip() + "\n"
    assert re.search(r"\S\nthought for \d+\.\d s\n\n\Z", said.err)
    assert "think>" not in said.out + said.err
    assert "\x1b" not in said.out + said.err


def test_hidden_reasoning_and_no_remarks(runner: Runner) -> None:
    said = runner("run", "tiny", SUM, *GREEDY, "--think", "hide")
    assert (said.code, said.err) == (0, "")
    assert "42" in said.out


def test_the_prompt_comes_from_stdin(runner: Runner) -> None:
    direct = runner("run", "tiny", SUM, *GREEDY).out
    assert runner("run", "tiny", *GREEDY, stdin=SUM + "\n").out == direct
    assert runner("run", "tiny", "-", *GREEDY, stdin=SUM).out == direct
    assert runner("run", "tiny", "-", *GREEDY, stdin=b"\xef\xbb\xbf" + SUM.encode()).out == direct


def test_stdin_follows_the_prompt_after_a_blank_line(runner: Runner) -> None:
    whole = runner("run", "tiny", "Sort these:\n\n3, 1, 2", *GREEDY, "--json")
    parts = runner("run", "tiny", "Sort these:", *GREEDY, "--json", stdin="3, 1, 2\r\n")
    assert json.loads(parts.out)["answer"] == json.loads(whole.out)["answer"]
    assert (
        json.loads(parts.out)["timings"]["prompt_tokens"]
        == json.loads(whole.out)["timings"]["prompt_tokens"]
    )


def test_no_prompt_is_an_error(runner: Runner) -> None:
    said = runner("run", "tiny", stdin="\n")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: the prompt is empty\n")
    assert "tiny was taken for the model" in said.err


def test_a_lone_argument_with_a_space_is_the_prompt(runner: Runner) -> None:
    direct = runner("run", "tiny", SUM, *GREEDY).out
    assert runner("run", SUM, *GREEDY).out == direct
    assert runner("run", "-m", "tiny", SUM, *GREEDY).out == direct
    assert (
        runner("run", "-m", "tiny", "hello", *GREEDY).out
        == runner("run", "tiny", "hello", *GREEDY).out
    )
    said = runner("run", "no-such-model", "-m", "tiny", "hello")
    assert (said.code, "two models are named" in said.err) == (2, True)
    assert runner("run", "no-such-model", stdin="hello").code == 4


def test_a_conversation_goes_on(runner: Runner) -> None:
    first = json.loads(runner("run", "tiny", SUM, *GREEDY, "--json").out)
    again = json.loads(runner("run", "-c", SUM, *GREEDY, "--json").out)
    assert first["conversation"] == again["conversation"] == 1
    assert again["timings"]["prompt_tokens"] > first["timings"]["prompt_tokens"] + 10
    other = json.loads(runner("run", "tiny", SUM, *GREEDY, "--json").out)
    assert other["conversation"] == 2
    said = runner("run", "-c", "--raw", "tiny", "hello")
    assert (said.code, said.out) == (2, "")


def test_a_conversation_goes_on_with_what_was_set_in_it(runner: Runner) -> None:
    runner("chat", "tiny", *GREEDY, stdin="/set max_tokens 3\nhello\n")
    facts = json.loads(runner("run", "-c", SUM, "--json").out)
    assert facts["timings"]["reply_tokens"] == 3
    otherwise = json.loads(runner("run", "-c", SUM, "--json", "--max-tokens", "4").out)
    assert otherwise["timings"]["reply_tokens"] == 4


def test_a_conversation_goes_on_with_its_persona(runner: Runner, tmp_path: Path) -> None:
    persona = tmp_path / "brief.toml"
    persona.write_text('description = "Brief."\nsystem = "Be brief."\nmax_tokens = 3\n')
    runner("run", "tiny", SUM, *GREEDY, "--persona", str(persona))
    facts = json.loads(runner("run", "-c", SUM, "--json").out)
    assert facts["timings"]["reply_tokens"] == 3
    with Chats() as chats:
        chat = chats.open(1)
        assert (chat.persona, chat.system) == (str(persona), "Be brief.")
    persona.unlink()
    said = runner("run", "-c", SUM, *GREEDY)
    assert (said.code, "42" in said.out) == (0, True)
    assert "brief.toml" in said.err


def test_what_is_kept_cannot_be_continued_without_keeping(runner: Runner) -> None:
    runner("run", "tiny", SUM, *GREEDY)
    said = runner("run", "-c", SUM, "--no-save")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: -c goes on with a conversation that is kept")


def test_nothing_of_an_answer_is_kept_where_nothing_is_to_be(runner: Runner) -> None:
    facts = json.loads(runner("run", "tiny", SUM, *GREEDY, "--json", "--no-save").out)
    assert "conversation" not in facts
    assert not list(data_directory().glob("chats*"))
    long = " ".join(map(str, range(100, 500)))
    assert runner("run", "tiny", long, "--raw", "--max-tokens", "1", "--no-save").code == 0
    assert not list(data_directory().rglob("*.kv"))
    said = runner("run", "-c", "hello there")
    assert (said.code, said.err.splitlines()[0]) == (
        4,
        "error: there is no conversation to continue",
    )


def test_samples_are_branches_of_one_question(runner: Runner) -> None:
    facts = json.loads(runner("run", "tiny", SUM, *GREEDY, "-n", "3", "--json").out)
    assert [one["finish"] for one in facts["samples"]] == ["end"] * 3
    seeds = [one["seed"] for one in facts["samples"]]
    assert seeds == [seeds[0], seeds[0] + 1, seeds[0] + 2]
    with Chats() as chats:
        chat = chats.open(facts["conversation"])
        question, *_ = chat.turns()
        answers = chat.children(question)
    assert [turn.content for turn in answers] == [one["answer"] for one in facts["samples"]]


def test_files_go_with_the_prompt(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text("3, 1, 2", encoding="utf-8")
    said = runner("run", "tiny", "Sort these", "--file", str(path), *GREEDY, "--think", "hide")
    assert said.code == 0
    assert re.fullmatch(r"numbers\.txt: text, \d+ tokens\n", said.err)
    with Chats() as chats:
        latest = chats.latest()
        assert latest is not None
        assert [one.text for one in latest.turns()[0].attachments] == ["3, 1, 2"]
    assert runner("run", "tiny", "hello", "--file", str(tmp_path / "none")).code == 15


def test_only_the_code_of_an_answer(runner: Runner) -> None:
    assert first_code("Try:\n\n```python\nprint(1)\n```\n\nor\n\n~~~\n2\n~~~") == "print(1)\n"
    assert first_code("cut off:\n```\nprint(1)\nprint(") == "print(1)\nprint("
    assert first_code("`no` block") is None
    said = runner("run", "tiny", SUM, *GREEDY, "--extract", "code", "--think", "hide")
    assert (said.code, "42" in said.out) == (0, True)
    assert said.err == "the answer has no block of code; all of it follows\n"


def test_another_chat_template(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "template.jinja"
    path.write_text("{% for m in messages %}{{ m.content }}{% endfor %}", encoding="utf-8")
    facts = json.loads(runner("run", "tiny", "a", "--template", str(path), *GREEDY, "--json").out)
    assert facts["timings"]["prompt_tokens"] <= 3
    path.write_text("{% for m in messages %}", encoding="utf-8")
    assert runner("run", "tiny", "a", "--template", str(path)).code == 14
    said = runner("run", "tiny", "a", "--template", str(tmp_path / "none"))
    assert (said.code, "cannot be read" in said.err) == (2, True)


def test_as_json(runner: Runner) -> None:
    said = runner("run", "tiny", SUM, *GREEDY, "--seed", "7", "--json", "--top-k", "3")
    assert (said.code, said.err) == (0, "")
    facts = json.loads(said.out)
    assert facts["model"]["name"] == "tiny"
    assert Path(facts["model"]["path"]).is_file()
    assert "42" in facts["answer"]
    assert facts["reasoning"].strip()
    assert (facts["finish"], facts["seed"], facts["tool_calls"]) == ("end", 7, [])
    assert facts["sampling"]["top_k"] == {"value": 3, "origin": "command line"}
    assert facts["sampling"]["min_p"]["origin"] == "program"
    assert facts["placement"]["context"] == 2048
    timings = facts["timings"]
    assert timings["prompt_tokens"] > 5
    assert timings["reply_tokens"] > 5
    for name in ("prefill", "decode", "first_token", "total", "load"):
        assert timings[f"{name}_seconds"] > 0
    assert timings["decode_tokens_per_second"] > 0


def test_greedy_answers_are_the_same_each_time(runner: Runner) -> None:
    first, second = (runner("run", "tiny", "hello", *GREEDY).out for _ in range(2))
    assert first == second


def test_a_seed_repeats_a_draw(runner: Runner) -> None:
    hot = ("--temperature", "2", "--top-k", "0", "--top-p", "1", "--min-p", "0")
    limit = ("--max-tokens", "24", "--json")
    drawn = [
        json.loads(runner("run", "tiny", "hello", *hot, *limit, "--seed", seed).out)
        for seed in ("5", "5", "6")
    ]
    texts = [facts["reasoning"] + facts["answer"] for facts in drawn]
    assert texts[0] == texts[1] != texts[2]


def test_raw_continues_the_text_to_the_letter(runner: Runner) -> None:
    said = runner("run", "tiny", "12", "--raw", *GREEDY, "--max-tokens", "4", "--json")
    facts = json.loads(said.out)
    assert facts["reasoning"] == ""
    shown = runner("run", "tiny", "12", "--raw", *GREEDY, "--max-tokens", "4")
    assert shown.out.rstrip("\n") == facts["answer"].rstrip("\n")
    assert shown.err == "stopped after 4 tokens, as --max-tokens says\n"


def test_raw_has_no_system_prompt(runner: Runner) -> None:
    said = runner("run", "tiny", "12", "--raw", "--system", "Be brief.")
    assert (said.code, said.out) == (2, "")


def test_a_base_model_continues_a_story(runner: Runner, shared: Path) -> None:
    model = str(shared / "models" / "stories260K-F32.gguf")
    said = runner(
        "run", model, "Once upon a time", "--raw", *GREEDY, "--max-tokens", "30", "--quiet"
    )
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(
        ", there was a little girl named Lily. She loved to play outside in the park."
    )


def test_a_reply_cut_by_its_limit_says_so(runner: Runner) -> None:
    said = runner("run", "tiny", "hello", *GREEDY, "--max-tokens", "2", "--think", "hide")
    assert said.code == 0
    assert said.err == "stopped after 2 tokens, as --max-tokens says\n"
    assert (
        runner("run", "tiny", "hello", "--max-tokens", "2", "--quiet", "--think", "hide").err == ""
    )


def test_a_full_context_says_so(runner: Runner) -> None:
    said = runner("run", "tiny", "count on", "--raw", *GREEDY, "--ctx", "256", "--json")
    if json.loads(said.out)["finish"] != "context":
        pytest.skip("the model ended its reply before the context was full")
    said = runner("run", "tiny", "count on", "--raw", *GREEDY, "--ctx", "256")
    assert "stopped because the context of 256 tokens is full; --ctx" in said.err


def test_settings_come_from_the_environment(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_TEMPERATURE", "0")
    monkeypatch.setenv("RUNNER_THINK", "hide")
    monkeypatch.setenv("RUNNER_JSON", "yes")
    facts = json.loads(runner("run", "tiny", "hello").out)
    origin = {"value": 0.0, "origin": "environment (RUNNER_TEMPERATURE)"}
    assert facts["sampling"]["temperature"] == origin


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"answer": "世\x9b31m\x1b"})
    said = capsys.readouterr().out
    assert said.isascii()
    assert json.loads(said) == {"answer": "世\x9b31m\x1b"}


def test_verbose_shows_the_log_of_llama_cpp() -> None:
    said = subprocess.run(
        [*COMMAND, "run", "tiny", "hello", "--verbose", "--max-tokens", "1"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    assert "llama_model_loader" in said.stderr
    assert "llama_model_loader" not in said.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to a child there")
def test_ctrl_c_stops_at_once_and_what_was_written_stays(endless: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [*COMMAND, "run", "tiny", "on", "--raw", *endless],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        begun = process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(begun) == 20
    assert rest.endswith(b"\n")
    assert said == b"stopped\n"
