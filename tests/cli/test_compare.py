"""`runner compare`: of kept records, of files, and measured now."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner.bench.history import History
from runner.bench.plain import to_plain
from tests.bench.compared import MACHINE, record
from tests.cli.conftest import Runner

STEADY = [100.0 + block % 5 for block in range(30)]
SLOW = [rate * 0.95 for rate in STEADY]


@pytest.fixture
def kept() -> None:
    answers = {"chat": [True] * 30 + [False] * 10}
    lost = {"chat": [True] * 18 + [False] * 22}
    History().add_all(
        [
            record({"tg16": STEADY}, answers, id="20260101-first"),
            record({"tg16": SLOW}, lost, id="20260102-second"),
            record({"tg16": STEADY}, id="20260103-far", machine=replace(MACHINE, id="m2")),
        ]
    )


@pytest.mark.usefixtures("kept")
def test_kept_records(runner: Runner) -> None:
    ran = runner("compare", "20260101", "20260102")
    assert ran.code == 0
    assert "-5.0%" in ran.out and "slower" in ran.out
    assert "12" in ran.out and "worse" in ran.out
    assert "Hodges–Lehmann" in ran.out and "McNemar" in ran.out and "Holm" in ran.out


@pytest.mark.usefixtures("kept")
def test_a_gate_ends_with_a_code_of_its_own(runner: Runner) -> None:
    ran = runner("compare", "20260101", "20260102", "--fail-if", "slower:3%", "--json")
    assert ran.code == 17
    found = json.loads(ran.out)
    assert found["failed"] == ["tg16 is 5.0% slower"]
    assert found["tests"][0]["verdict"] == "slower"
    assert runner("compare", "20260101", "20260102", "--fail-if", "slower:8%").code == 0
    assert runner("compare", "20260101", "20260102", "--fail-if", "worse:1%").code == 17
    assert runner("compare", "20260101", "20260102", "--fail-if", "other").code == 2


@pytest.mark.usefixtures("kept")
def test_other_machines_only_across(runner: Runner) -> None:
    refused = runner("compare", "20260101", "20260103")
    assert refused.code == 2 and "machines differ" in refused.err and "--across" in refused.err
    said = runner("compare", "20260101", "20260103", "--across")
    assert said.code == 0 and "machines differ" in said.err and "equivalent" in said.out


@pytest.mark.usefixtures("kept")
def test_a_file_is_a_record_too(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps(to_plain(record({"tg16": SLOW}, run="later"))), "utf-8")
    ran = runner("compare", "20260101", str(path))
    assert ran.code == 0 and "slower" in ran.out
    assert "measured apart" in ran.err


@pytest.mark.usefixtures("kept")
def test_a_record_and_a_model_are_no_pair(runner: Runner) -> None:
    assert "no record" in runner("compare", "20260101", "tiny").err
    assert "alone" in runner("compare", "20260101").err


def test_two_settings_measured_now(runner: Runner) -> None:
    ran = runner(
        "compare", "tiny", "--kv", "f16,q8_0", "-n", "4", "--time", "1", "--json", "--ctx", "64"
    )
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["first_name"].endswith("KV f16") and found["second_name"].endswith("KV q8_0")
    (test,) = found["tests"]
    assert test["paired"] and test["test"] == "tg4" and found["looked"] is not None
    assert len(History().find()) == 2


def test_more_than_two_are_refused(runner: Runner) -> None:
    ran = runner("compare", "tiny", "tiny", "--threads", "1,2")
    assert ran.code == 2 and "4 to compare" in ran.err
