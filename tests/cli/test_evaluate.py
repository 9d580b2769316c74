"""`runner eval`: its table, its JSON, what it keeps, and what it refuses."""

import json
from pathlib import Path

from runner.bench.history import History
from runner.bench.plain import from_plain
from runner.bench.record import Record
from tests.cli.conftest import Runner


def test_a_models_own_tasks_are_kept_in_the_history(runner: Runner) -> None:
    said = runner("eval", "tiny", "--limit", "1", "--json", "--no-energy")
    assert said.code == 0, said.err
    record = from_plain(Record, json.loads(said.out))
    assert len(record.tasks) == 19
    assert all(task.count == 1 and task.licence == "MIT" for task in record.tasks)
    assert History().get("latest") == record
    assert (record.kind, record.name) == ("quality", "tiny Q8_0")


def test_words_choices_and_a_text_in_one_table(runner: Runner, tmp_path: Path) -> None:
    text = tmp_path / "story.txt"
    text.write_text("The dog saw the cat, and the cat ran up the tree. " * 8, encoding="utf-8")
    arguments = ("--task", "arithmetic", "--task", "common-sense", "--task", str(text))
    said = runner("eval", "tiny", *arguments, "--limit", "2", "--window", "32", "--no-energy")
    assert said.code == 0, said.err
    for words in ("accuracy", "numeric", "per_token", "perplexity", "story"):
        assert words in said.out


def test_what_was_not_measured_says_why(runner: Runner) -> None:
    said = runner("eval", "tiny", "--task", "tiny/add", "--limit", "1", "--json")
    (task,) = json.loads(said.out)["tasks"]
    assert all(one["net"] is not None or one["reason"] for one in task["energy"])


def test_the_shipped_tasks_are_listed(runner: Runner) -> None:
    said = runner("eval", "--list", "--json")
    listed = {one["name"]: one for one in json.loads(said.out)}
    assert listed["tiny/add"]["items"] == 500
    assert listed["common-sense"]["kind"] == "choice"
    assert "tiny/add" in runner("eval", "--list").out


def test_an_unknown_task_names_near_ones(runner: Runner) -> None:
    said = runner("eval", "tiny", "--task", "arithmetics")
    assert (said.code, said.out) == (4, "")
    assert "Did you mean arithmetic?" in said.err


def test_samples_are_for_answers_in_words(runner: Runner) -> None:
    said = runner("eval", "tiny", "--task", "common-sense", "--samples", "2")
    assert said.code == 2
    assert "--samples" in said.err


def test_offline_fetches_no_task(runner: Runner) -> None:
    said = runner("eval", "tiny", "--offline", "--task", "hf.co/datasets/a/b/c.jsonl")
    assert said.code == 8
