"""`runner compare`: of kept records, of files, and measured now."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner.bench.arm_process import ArmProcess
from runner.bench.history import History
from runner.bench.plain import to_plain
from runner.bench.record import Sample
from runner.bench.workloads import Workload
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
def test_what_is_kept_is_not_measured_again(runner: Runner) -> None:
    ran = runner("compare", "20260101", "20260102", "-p", "64", "--time", "30", "--threads", "1,2")
    assert ran.code == 2
    assert "compared as they were measured" in ran.err and "-p, --threads, --time" in ran.err


@pytest.mark.usefixtures("kept")
def test_a_file_is_a_record_too(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps(to_plain(record({"tg16": SLOW}, run="later"))), "utf-8")
    ran = runner("compare", "20260101", str(path))
    assert ran.code == 0 and "slower" in ran.out
    assert "measured apart" in ran.err


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("latest~9", "latest"), "no measurement is called 'latest~9'"),
        (("latest", "latest~9"), "no measurement is called 'latest~9'"),
        (("latest~9", "latest~8"), "'latest~9'"),
        (("tiny", "latest~9"), "'latest~9'"),
        (("2026", "latest"), "is the beginning of"),
        (("20260101", "tiny"), "no measurement is called 'tiny'"),
        (("20260101", "x" * 5000), "no measurement is called 'xxx"),
        (("20260101", "gone.json"), "'gone.json'"),
        (("20260101", "~nobody-of-this-name/x"), "no measurement"),
    ],
)
def test_a_record_that_is_not_there(runner: Runner, names: tuple[str, ...], words: str) -> None:
    ran = runner("compare", *names)
    assert (ran.code, ran.out) == (4, ""), ran.err
    assert words in ran.err and "runner history" in ran.err


@pytest.mark.usefixtures("kept")
def test_a_record_needs_another(runner: Runner, tiny_path: Path) -> None:
    alone = runner("compare", "20260101")
    assert alone.code == 2 and "alone" in alone.err
    same = runner("compare", "20260101", "20260101-first")
    assert same.code == 2 and "the same record" in same.err
    model = runner("compare", str(tiny_path), "20260101")
    assert model.code == 4 and "is a model" in model.err


@pytest.mark.usefixtures("kept")
def test_a_gate_with_nothing_to_judge_does_not_pass(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps(to_plain(record({}, {"chat": [True] * 40}, id="other"))), "utf-8")
    ran = runner("compare", "20260101", str(path), "--fail-if", "slower:3%")
    assert ran.code == 2 and "nothing to judge" in ran.err
    # Before anything is measured for it.
    ran = runner("compare", "tiny", "--fail-if", "worse:3%")
    assert ran.code == 2 and "what is measured now is speed" in ran.err


def test_a_gate_that_cannot_tell_says_so(runner: Runner, tmp_path: Path) -> None:
    noisy = [rate * 1.15 ** (block % 7 - 3) for block, rate in enumerate(STEADY)]
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, rates in zip(paths, (STEADY, noisy), strict=True):
        path.write_text(json.dumps(to_plain(record({"tg16": rates}, id=path.stem))), "utf-8")
    names = list(map(str, paths))
    ran = runner("compare", *names, "--fail-if", "slower:3%", "--quiet")
    assert ran.code == 0
    assert ran.err.startswith(
        "tg16 is not shown to be slower by 3 %, nor is that ruled out: it may"
    )
    facts = json.loads(runner("compare", *names, "--fail-if", "slower:3%", "--json").out)
    assert facts["failed"] == [] and facts["open"] == [ran.err.strip()]


def test_medians_that_seem_to_say_another_thing_are_explained(
    runner: Runner, tmp_path: Path
) -> None:
    """All pairs are 1 % slower but three, which are those in the middle."""
    first = [80.0 + block for block in range(31)]
    second = [rate * 0.99 for rate in first]
    second[14], second[15], second[16] = 97.0, 98.0, 99.0
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, rates in zip(paths, (first, second), strict=True):
        path.write_text(json.dumps(to_plain(record({"tg16": rates}, id=path.stem))), "utf-8")
    ran = runner("compare", *map(str, paths))
    assert "CHANGE" in ran.out
    assert "tg16: the medians A and B, each of all blocks, differ by +2.1%; the change is that of" \
        in ran.err  # fmt: skip


@pytest.mark.usefixtures("kept")
def test_what_needs_no_words_gets_none(runner: Runner) -> None:
    assert "medians" not in runner("compare", "20260101", "20260102").err


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


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (6, "stopped before there was anything to compare"),
        (30, "stopped: these are the figures until then"),
    ],
)
def test_ctrl_c_ends_a_comparison_with_what_there_is(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, runs: int, words: str
) -> None:
    honest, left = ArmProcess.run, iter(range(runs))

    def run(self: ArmProcess, workload: Workload, draw: str) -> Sample:
        if "warm-up" not in draw and next(left, None) is None:
            raise KeyboardInterrupt
        return honest(self, workload, draw)

    monkeypatch.setattr(ArmProcess, "run", run)
    ran = runner("compare", "tiny", "-p", "16", "-n", "4")
    assert ran.code == 130
    assert words in ran.err
    assert ("tg4" in ran.out) == (runs > 8)  # a block of two tests has eight runs
