"""`runner bench`: its table, its remarks, its lists and its JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from runner.bench.arm_process import ArmProcess
from runner.bench.bench_model import Loaded
from runner.bench.history import History
from runner.bench.plain import from_plain
from runner.bench.record import Record, Summary
from runner.cli.bench_arms import budget
from runner.cli.main import app
from runner.cli.measured_arms import remark_on, remark_on_refused, seconds_left
from runner.machine.rates import CPU, DeviceRates, Rates, keep
from runner.settings import Settings
from tests.bench.compared import method, record

SMALL = ["bench", "tiny", "-p", "16", "-n", "4", "-r", "1", "--no-energy", "--no-ceiling"]


def test_a_table_and_a_record_in_the_history() -> None:
    done = CliRunner().invoke(app, [*SMALL, "-t", "1"])
    assert done.exit_code == 0, done.output
    assert "pp16" in done.stdout and "tg4" in done.stdout
    assert "no intervals: they need 6 blocks; -r 6 gives them" in done.stderr
    record = History().get("latest")
    assert [test.name for test in record.tests] == ["pp16", "tg4"]
    assert record.configuration.threads == 1


def test_without_a_ceiling_the_one_that_was_measured_before_is_not_used() -> None:
    cpu = DeviceRates("", 1e-9, {"Q8_0": 1e12}, {"Q8_0": 1e15}, 1e15, 1e15)
    keep(Rates(1, 1e12, {CPU: cpu}, datetime.now(UTC)))
    lists = ["-t", "1", "--no-history", "--json"]
    for flag in ("--ceiling", "--no-ceiling"):
        done = CliRunner().invoke(app, [*SMALL[:-1], flag, *lists])
        assert done.exit_code == 0, done.output
        tests = json.loads(done.stdout)["records"][0]["tests"]
        assert [one["ceiling"] is None for one in tests] == [flag == "--no-ceiling"] * 2


def test_each_combination_is_an_arm_and_json_is_all_there_is_on_stdout() -> None:
    lists = ["-t", "1", "-ub", "16,32", "-ctk", "f16,q8_0", "-fa", "1", "--no-history", "--json"]
    done = CliRunner().invoke(app, [*SMALL, *lists])
    assert done.exit_code == 0, done.output
    records = [from_plain(Record, one) for one in json.loads(done.stdout)["records"]]
    assert [one.name for one in records] == [
        f"tiny Q8_0, micro-batch {size}, KV {kv}" for size in (16, 32) for kv in ("f16", "q8_0")
    ]
    assert [(one.configuration.micro_batch, one.configuration.kv) for one in records] == [
        (16, "f16"), (16, "q8_0"), (32, "f16"), (32, "q8_0"),
    ]  # fmt: skip
    assert {one.configuration.flash_attention for one in records} == {"on"}
    assert History().find() == []


def test_without_a_ceiling_not_even_one_that_is_known_is_used() -> None:
    cpu = DeviceRates("", 0.0, {"Q8_0": 1e9}, {"Q8_0": 1e9}, 1e9, 1e9)
    keep(Rates(1, 1e9, {"CPU": cpu}, datetime.now(UTC)))
    done = CliRunner().invoke(app, [*SMALL, "-t", "1"])
    assert done.exit_code == 0, done.output
    assert all(test.ceiling is None for test in History().get("latest").tests)


def test_output_as_llama_bench_prints_it() -> None:
    done = CliRunner().invoke(app, [*SMALL, "-o", "json", "-t", "1", "--quiet"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [(row["n_prompt"], row["n_gen"]) for row in rows] == [(16, 0), (0, 4)]


def test_ctrl_c_before_anything_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Loaded:
        raise KeyboardInterrupt

    monkeypatch.setattr(ArmProcess, "open", interrupted)
    done = CliRunner().invoke(app, SMALL)
    assert done.exit_code == 130
    assert done.stderr.splitlines() == ["stopped before anything was measured"]
    assert not done.stdout and History().find() == []


def test_what_is_said_of_a_stopped_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    def said(stopped: str, blocks: int) -> str:
        how = replace(method(stopped=stopped, seconds=30.0), blocks=blocks)
        remark_on([record({}, how=how)], Settings())
        return capsys.readouterr().err

    assert said("interrupted", 2) == "stopped: these are the figures until then\n"
    assert said("time", 2).endswith("there is time for 2; --time 2m gives them\n")
    assert said("blocks", 2).endswith("they need 6 blocks; -r 6 gives them\n")
    assert not said("time", 6) and not said("confident", 9)


def test_what_llama_bench_has_no_place_for_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    refused = record({"tg16": [100.0] * 8})
    (test,) = refused.tests
    rate = Summary("decode_rate", "tokens/s", "", 100.0, None, 8, 8)
    whole = replace(test, name="tg8", summaries=(rate,))
    void = replace(test, summaries=(), flags=("IMPLAUSIBLE",))
    remark_on_refused([replace(refused, tests=(whole, void))], Settings())
    assert capsys.readouterr().err.splitlines() == [
        f"tg16 of {refused.name} is left out: IMPLAUSIBLE"
    ]


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
        (["-w", "chat", "-d", "4096"], "texts are read from the beginning"),
        (["-p", "16", "--sampled"], "no reply to sample"),
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
