"""What decides a reply, from the command line: structure, stops, seeds, samples, reasoning."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Runner

GREEDY = ("--temperature", "0")
HOT = ("--temperature", "2", "--top-k", "0", "--top-p", "1", "--min-p", "0", "--max-tokens", "24")
SUM = "What is 12 + 30?"


def facts(runner: Runner, *arguments: str) -> dict[str, Any]:
    said = runner("run", "tiny", *arguments, "--json")
    assert (said.code, said.err) == (0, "")
    found: dict[str, Any] = json.loads(said.out)
    return found


def words(facts: dict[str, Any]) -> str:
    return str(facts["reasoning"] + facts["answer"])


@pytest.mark.parametrize("greedy", [GREEDY, ("--seed", "1", "--temperature", "2")])
def test_an_answer_is_held_to_a_schema(
    runner: Runner, greedy: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"type": "array", "items": {"enum": [1, 2]}, "maxItems": 3}', "utf-8")
    found = facts(runner, SUM, *greedy, "--json-schema", str(path), "--think-tokens", "40")
    assert found["reasoning"].strip()
    assert set(json.loads(found["answer"])) <= {1, 2}


def test_an_answer_is_held_to_a_pattern_choices_or_a_grammar(
    runner: Runner, tmp_path: Path
) -> None:
    said = runner("run", "tiny", SUM, *GREEDY, "--regex", "it is [0-9]{2}")
    assert re.fullmatch("it is [0-9]{2}\n", said.out)
    assert said.err.startswith("Add ")
    said = runner("run", "tiny", SUM, *GREEDY, "--choice", "yes", "--choice", "no")
    assert said.out in ("yes\n", "no\n")
    path = tmp_path / "answer.gbnf"
    path.write_text('root ::= digit "!"\ndigit ::= [0-9]\n', "utf-8")
    said = runner("run", "tiny", SUM, *GREEDY, "--grammar", str(path))
    assert re.fullmatch("[0-9]!\n", said.out)
    path.write_text('root ::= digit "!"\n', "utf-8")
    said = runner("run", "tiny", SUM, *GREEDY, "--grammar", str(path))
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "error: the grammar is malformed: there is no rule 'digit', used in line 1, column 10 "
        '(digit "!")\n'
    )


def test_every_line_of_a_chat_is_held_to_it(runner: Runner) -> None:
    said = runner("chat", "tiny", "--regex", "[0-9]{2}", "--quiet", stdin=f"{SUM}\nhello\n")
    assert re.fullmatch("[0-9]{2}\n[0-9]{2}\n", said.out)


def test_stop_texts(runner: Runner) -> None:
    said = runner("run", "tiny", SUM, *GREEDY, "--stop", "never", "--stop", " = 4", "--think=hide")
    assert (said.code, said.out, said.err) == (0, "12 + 30\n", "")
    assert facts(runner, SUM, *GREEDY, "--stop", " = 4")["finish"] == "stop"


def test_reasoning_is_limited(runner: Runner) -> None:
    said = runner("run", "tiny", SUM, *GREEDY, "--think-tokens", "0", "--max-tokens", "20")
    assert said.out.strip()
    assert said.err in ("", "stopped after 20 tokens, as --max-tokens says\n")
    whole = facts(runner, SUM, *GREEDY)["reasoning"]
    cut = facts(runner, SUM, *GREEDY, "--think-tokens", "3")
    assert whole.startswith(cut["reasoning"].rstrip("\n"))
    assert len(cut["reasoning"]) < len(whole)
    assert cut["answer"]


def test_reasoning_that_cannot_be_switched_off_says_how_else(runner: Runner) -> None:
    said = runner("run", "tiny", SUM, *GREEDY, "--think", "off")
    assert said.err.startswith("this model's template has no switch for its reasoning; ")
    assert "--think-tokens 0" in said.err


def test_log_probabilities(runner: Runner) -> None:
    found = facts(runner, SUM, *GREEDY, "--logprobs", "2")
    each = found["logprobs"]
    assert "".join(one["text"] for one in each if one["kind"] == "answer").endswith("= 42.")
    for one in each:
        assert one["likeliest"][0] == {name: one[name] for name in ("token", "text", "logprob")}
        assert one["likeliest"][1]["logprob"] <= one["logprob"] <= 0
    said = runner("run", "tiny", SUM, "--logprobs", "2")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: --logprobs are part of the JSON\nGive --json too.\n"


def test_several_answers_from_one_reading(runner: Runner) -> None:
    found = facts(runner, SUM, *HOT, "--seed", "5", "-n", "6")["samples"]
    again = facts(runner, SUM, *HOT, "--seed", "5", "--samples", "6")["samples"]
    assert [words(one) for one in found] == [words(one) for one in again]
    assert len({words(one) for one in found}) == 6
    assert [one["seed"] for one in found] == [5, 6, 7, 8, 9, 10]
    prompt = found[0]["timings"]["prompt_tokens"]
    reused = [one["timings"]["reused_tokens"] for one in found]
    assert reused == [0, prompt, prompt, prompt, prompt - 1, prompt - 1]


def test_several_answers_are_shown_one_after_the_other(runner: Runner) -> None:
    said = runner("run", "tiny", SUM, *GREEDY, "-n", "2", "--think", "hide")
    assert said.out == "12 + 30 = 42.\n\n12 + 30 = 42.\n"
    assert said.err == "answer 1 of 2\nanswer 2 of 2\n"


@pytest.mark.parametrize(
    "change",
    [
        ("--repeat-penalty", "5"),
        ("--presence-penalty", "5", "--repeat-last-n", "-1"),
        ("--mirostat", "2", "--mirostat-tau", "0.5"),
        ("--samplers", "top_k"),
        ("--typical-p", "0.2"),
        ("--top-n-sigma", "0.1"),
        ("--xtc-probability", "1", "--xtc-threshold", "0"),
        ("--dynatemp-range", "1.9"),
        ("--adaptive-target", "0.9"),
        ("--logit-bias", "<think>=100"),
    ],
    ids=lambda change: change[0],
)
def test_samplers_take_part(runner: Runner, change: tuple[str, ...]) -> None:
    plain = facts(runner, "hello", *HOT, "--seed", "3")
    changed = facts(runner, "hello", *HOT, "--seed", "3", *change)
    assert words(changed) != words(plain)
    name = change[0][2:].replace("-", "_")
    assert changed["sampling"][name]["origin"] == "command line"
    assert plain["sampling"][name]["origin"] == "program"


def test_a_forbidden_token_is_null_in_json(runner: Runner) -> None:
    found = facts(runner, SUM, *GREEDY, "--logit-bias", "+=-inf", "--logit-bias", "7=1.5")
    assert "+" not in words(found)
    assert [bias for _, bias in found["sampling"]["logit_bias"]["value"]] == [None, 1.5]


def test_the_configuration_shows_lists_as_the_file_has_them(runner: Runner, isolated: Path) -> None:
    (isolated / "config.toml").write_text('stop = ["\\n", "User:"]\n', "utf-8")
    assert re.search(r'^stop +\["\\n", "User:"\] +file ', runner("config").out, re.MULTILINE)


def test_guessing_changes_no_greedy_answer(runner: Runner) -> None:
    repeated = ("Spell banana", *GREEDY)
    assert words(facts(runner, *repeated, "--speculate")) == words(facts(runner, *repeated))


def test_options_from_file_and_environment(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, isolated: Path
) -> None:
    (isolated / "config.toml").write_text('stop = [" = 4", "x"]\ntemperature = 0\n', "utf-8")
    monkeypatch.setenv("RUNNER_CHOICE", '["12 + 30 = 42", "none"]')
    said = runner("run", "tiny", SUM, "--think", "hide")
    assert said.out in ("12 + 30\n", "none\n")


def test_a_second_model_guesses(runner: Runner, tiny_path: Path) -> None:
    ask = ("run", "tiny", "What is 12 + 34?", "--temperature", "0", "--json")
    plain, guessed = (
        json.loads(runner(*ask, *more).out) for more in ((), ("--draft", str(tiny_path)))
    )
    assert guessed["answer"] == plain["answer"]
    assert plain["timings"]["guessed_tokens"] == 0
    assert guessed["timings"]["accepted_tokens"] > 0


def test_where_the_catalogue_names_no_draft_model(runner: Runner) -> None:
    said = runner("run", "tiny", "hello", "--draft", "auto")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: the catalogue names no draft model for tiny\n")
