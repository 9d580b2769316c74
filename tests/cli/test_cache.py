"""`runner cache`: what was read is kept for the next process, shown, and deleted."""

import json

from tests.cli.conftest import Runner

LONG = "Sort " + ", ".join(str(100 + number * 37 % 800) for number in range(90))
ASK = ("run", "tiny", LONG, "--temperature", "0", "--max-tokens", "5")


def test_a_long_prompt_is_read_once(runner: Runner) -> None:
    first = json.loads(runner(*ASK, "--json").out)["timings"]
    assert first["reused_tokens"] == 0
    second = json.loads(runner(*ASK, "--json").out)["timings"]
    # Where the model read ahead before it was closed, what opens the reply is not among it.
    assert second["prompt_tokens"] > second["reused_tokens"] >= second["prompt_tokens"] - 10

    listed = json.loads(runner("cache", "--json").out)
    (prompt,) = listed["prompts"]
    assert (prompt["model"], prompt["bytes"]) == ("tiny", listed["bytes"])
    assert prompt["tokens"] >= second["reused_tokens"]
    said = runner("cache")
    assert said.out.splitlines()[0].split() == ["MODEL", "TOKENS", "SIZE", "USED"]
    assert said.out.splitlines()[1].split()[:2] == ["tiny", str(prompt["tokens"])]

    assert json.loads(runner("cache", "other", "--purge", "--json").out) == {"freed": 0}
    assert json.loads(runner("cache", "--purge", "--json").out) == {"freed": prompt["bytes"]}
    assert json.loads(runner("cache", "--json").out) == {"prompts": [], "bytes": 0}


def test_it_can_be_switched_off(runner: Runner) -> None:
    runner(*ASK, "--kv-store", "0")
    assert json.loads(runner("cache", "--json").out)["prompts"] == []


def test_a_short_prompt_is_not_worth_keeping(runner: Runner) -> None:
    runner("run", "tiny", "hello", "--max-tokens", "5")
    assert json.loads(runner("cache", "--json").out)["prompts"] == []
