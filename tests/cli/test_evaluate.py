"""`runner eval`: its table, its JSON, what it keeps, and what it refuses."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.bench.history import History
from runner.bench.plain import from_plain
from runner.bench.quality.task import Asked, Question, Task
from runner.bench.record import Record
from runner.cli.eval_course import Course, what_is_asked
from runner.cli.terminal.progress import PassingLine
from runner.paths import data_directory
from runner.prompt import Message
from runner.settings import Settings
from tests.cli.conftest import COMMAND, Runner


def test_a_models_own_tasks_are_kept_in_the_history(runner: Runner) -> None:
    said = runner("eval", "tiny", "--limit", "1", "--json", "--no-energy")
    assert said.code == 0, said.err
    (plain,) = json.loads(said.out)["records"]
    record = from_plain(Record, plain)
    assert len(record.tasks) == 19
    assert all(task.count == 1 and task.licence == "MIT" for task in record.tasks)
    assert History().get("latest") == record
    assert (record.kind, record.name) == ("quality", "tiny Q8_0")
    asked = "tiny: 19 tasks (tiny/add … tiny/use-its-answer), 19 questions; --task names others"
    assert said.err.splitlines()[0] == asked


def test_words_choices_and_a_text_in_one_table(runner: Runner, tmp_path: Path) -> None:
    text = tmp_path / "story.txt"
    text.write_text("The dog saw the cat, and the cat ran up the tree. " * 8, encoding="utf-8")
    arguments = ("--task", "arithmetic", "--task", "common-sense", "--task", str(text))
    said = runner("eval", "tiny", *arguments, "--limit", "2", "--window", "32", "--no-energy")
    assert said.code == 0, said.err
    asked = "tiny: 3 tasks (arithmetic, common-sense, story), 4 questions and 1 text"
    assert said.err.splitlines()[0] == asked
    for words in ("accuracy", "numeric", "per_token", "perplexity", "story"):
        assert words in said.out


def test_what_was_not_measured_says_why(runner: Runner) -> None:
    said = runner("eval", "tiny", "--task", "tiny/add", "--limit", "1", "--json")
    (task,) = json.loads(said.out)["records"][0]["tasks"]
    assert all(one["net"] is not None or one["reason"] for one in task["energy"])


def test_the_shipped_tasks_are_listed(runner: Runner) -> None:
    said = runner("eval", "--list", "--json")
    listed = {one["name"]: one for one in json.loads(said.out)["tasks"]}
    assert listed["tiny/add"]["items"] == 500
    assert listed["common-sense"]["kind"] == "choice"
    assert "tiny/add" in runner("eval", "--list").out


def test_an_unknown_task_names_near_ones(runner: Runner) -> None:
    said = runner("eval", "tiny", "--task", "arithmetics")
    assert (said.code, said.out) == (4, "")
    assert "Did you mean arithmetic?" in said.err


def test_samples_are_for_answers_in_words(runner: Runner) -> None:
    tasks = ("--task", "arithmetic", "--task", "common-sense")
    said = runner("eval", "tiny", *tasks, "--samples", "2", "--limit", "1")
    assert said.code == 2
    assert "--samples" in said.err
    assert not list((data_directory() / "evaluations").glob("*")), "before any is answered"


def test_of_the_usual_tasks_those_that_suit_are_put(
    runner: Runner, tiny_path: Path, tmp_path: Path
) -> None:
    model = tmp_path / "other.gguf"
    model.write_bytes(tiny_path.read_bytes())
    said = runner("eval", str(model), "-k", "2", "--limit", "1", "--no-energy", "--json",
                  "--max-tokens", "8")  # fmt: skip
    assert said.code == 0, said.err
    (record,) = json.loads(said.out)["records"]
    assert [task["name"] for task in record["tasks"]] == ["arithmetic"]
    assert len(record["tasks"][0]["items"]) == 2
    assert "common-sense is left out: --samples is for answers in words" in said.err


def test_answers_stay_until_their_record_is_kept(runner: Runner) -> None:
    command = ("eval", "tiny", "--task", "tiny/add", "--limit", "2", "--no-energy", "--json")
    history = History().path
    history.mkdir(parents=True)  # so that no file can be there
    said = runner(*command)
    assert said.code == 0, said.err
    assert "not kept" in said.err
    assert "its answers are kept" in said.err
    history.rmdir()
    again = runner(*command)
    assert "2 were answered before" in again.err
    items = [json.loads(one.out)["records"][0]["tasks"][0]["items"] for one in (said, again)]
    assert items[0] == items[1]
    assert History().get("latest").tasks[0].count == 2
    assert not list((data_directory() / "evaluations").glob("*"))


@pytest.mark.parametrize("option", [("--reference", "tiny"), ("--normaliser", "sum")])
def test_what_is_for_no_task_is_refused(runner: Runner, option: tuple[str, str]) -> None:
    said = runner("eval", "tiny", "--task", "tiny/add", *option)
    assert said.code == 2
    assert f"{option[0]} is for" in said.err


def test_offline_fetches_no_task(runner: Runner) -> None:
    said = runner("eval", "tiny", "--offline", "--task", "hf.co/datasets/a/b/c.jsonl")
    assert said.code == 8


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to a child there")
@pytest.mark.parametrize("kind", ["words", "text"])
def test_ctrl_c_says_what_is_kept(runner: Runner, tmp_path: Path, kind: str) -> None:
    text = tmp_path / "story.txt"
    text.write_text("The dog saw the cat, and the cat ran up the tree. " * 9000, encoding="utf-8")
    task = "tiny/sort-words" if kind == "words" else str(text)
    arguments = ("eval", "tiny", "--task", task, "--no-energy", "--window", "2000")
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    kept = data_directory() / "evaluations"
    while process.poll() is None and not any(one.stat().st_size for one in kept.glob("*.jsonl")):
        time.sleep(0.02)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert time.monotonic() - began < 5
    last = err.splitlines()[-1]
    found = re.fullmatch(
        r"stopped: (\d+) answers are kept, and the same command goes on from there", last
    )
    assert found, err
    again = runner(*arguments, "--limit", found[1], "--json")
    assert again.code == 0
    assert f"{found[1]} were answered before" in again.err.splitlines()[1]


def test_the_line_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("runner.cli.eval_course.time.monotonic", lambda: now)
    questions = tuple(
        Question(str(number), (Message("user", "?"),), "", "exact") for number in range(100)
    )
    both = [Task(name, "generated", "", "", questions=questions) for name in ("one", "other")]
    course = Course(PassingLine(Settings()), "tiny", both, Asked())
    course("one", 20, 100)
    assert course.words("one") == "tiny, one: 20 of 100 (task 1 of 2)"
    now = 40.0
    course("one", 60, 100)
    assert course.words("one") == "tiny, one: 60 of 100 (task 1 of 2, about 2 min left)"
    now = 1000.0  # the model was loaded in between
    course("other", 90, 100)
    assert course.words("other") == "tiny, other: 90 of 100 (task 2 of 2, about 50 s left)"


def test_what_is_asked_in_words() -> None:
    questions = (Question("1", (Message("user", "?"),), "", "exact"),)
    task = Task("why", "generated", "", "", questions=questions)
    assert what_is_asked("m", [task], Asked(samples=4), chosen=True) == (
        "m: why, 1 question, 4 answers to each"
    )
