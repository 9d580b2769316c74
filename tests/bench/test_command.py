"""`runner bench`: its table, its remarks, its lists and its JSON."""

import json

import pytest
from typer.testing import CliRunner

from runner.bench.history import History
from runner.bench.plain import from_plain
from runner.bench.record import Record
from runner.cli.bench_arms import budget
from runner.cli.main import app
from runner.cli.measured_arms import seconds_left

SMALL = ["bench", "tiny", "-p", "16", "-n", "4", "-r", "1", "--no-energy", "--no-ceiling"]


def test_a_table_and_a_record_in_the_history() -> None:
    done = CliRunner().invoke(app, [*SMALL, "-t", "1"])
    assert done.exit_code == 0, done.output
    assert "pp16" in done.stdout and "tg4" in done.stdout
    assert "no intervals: they need 6 blocks" in done.stderr
    record = History().get("latest")
    assert [test.name for test in record.tests] == ["pp16", "tg4"]
    assert record.configuration.threads == 1


def test_each_combination_is_an_arm_and_json_is_all_there_is_on_stdout() -> None:
    lists = ["-t", "1", "-ub", "16,32", "-ctk", "f16,q8_0", "-fa", "1", "--no-history", "--json"]
    done = CliRunner().invoke(app, [*SMALL, *lists])
    assert done.exit_code == 0, done.output
    records = [from_plain(Record, one) for one in json.loads(done.stdout)]
    assert [one.name for one in records] == [
        f"tiny Q8_0, micro-batch {size}, KV {kv}" for size in (16, 32) for kv in ("f16", "q8_0")
    ]
    assert [(one.configuration.micro_batch, one.configuration.kv) for one in records] == [
        (16, "f16"), (16, "q8_0"), (32, "f16"), (32, "q8_0"),
    ]  # fmt: skip
    assert {one.configuration.flash_attention for one in records} == {"on"}
    assert History().find() == []


def test_output_as_llama_bench_prints_it() -> None:
    done = CliRunner().invoke(app, [*SMALL, "-o", "json", "-t", "1", "--quiet"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [(row["n_prompt"], row["n_gen"]) for row in rows] == [(16, 0), (0, 4)]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (["-p", "x"], "-p x is no list"),
        (["-p", "0", "-n", "0"], "nothing to measure"),
        (["--time", "soon"], "--time soon"),
        (["-w", "poetry"], "poetry"),
        (["-o", "xml"], "xml"),
        (["-ctk", "f16", "-ctv", "q8_0"], "different types"),
        (["-t", "0"], "threads"),
    ],
)
def test_what_makes_no_sense_is_refused(wish: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["bench", "tiny", *wish])
    assert done.exit_code == 2
    assert said in done.stderr


def test_an_unknown_model_ends_as_everywhere() -> None:
    done = CliRunner().invoke(app, ["bench", "tinny"])
    assert done.exit_code == 4
    assert "tiny" in done.stderr


def test_times_in_words() -> None:
    assert [budget(text, None, 2) for text in (None, "90", "10m", "1.5h")] == [120, 90, 600, 5400]
    assert [seconds_left(seconds) for seconds in (40, 180, 4800)] == ["40 s", "3 min", "1 h 20 min"]
