"""An arm that fails: the others go on, and what it gave is kept."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner.bench.admission import Lost
from runner.bench.arm_process import ArmProcess
from runner.bench.arms import Arm
from runner.bench.history import History
from runner.bench.measure import Progress, Wanted, measure
from runner.bench.record import Sample
from runner.bench.workloads import Workload, synthetic
from runner.cli.main import app
from runner.errors import BadModelFile, ConfigurationError, RunnerError
from runner.models import Located
from runner.settings import Settings

TESTS = synthetic([16], [4])


@pytest.fixture
def arms(tiny_path: Path) -> list[Arm]:
    located = Located(tiny_path, "tiny", "Q8_0")
    return [Arm(name, located, Settings(threads=1)) for name in ("one", "other", "third")]


@pytest.fixture
def failed() -> list[tuple[str, RunnerError]]:
    return []


def noting(failed: list[tuple[str, RunnerError]]) -> Lost:
    """Told of an arm that fails, notes its name and why."""
    return lambda arm, error: failed.append((arm.name, error))


def damaged(arm: Arm, folder: Path) -> Arm:
    """An arm of a file that ends too early."""
    path = folder / "damaged.gguf"
    path.write_bytes(arm.located.path.read_bytes()[:-100_000])
    return replace(arm, located=replace(arm.located, path=path))


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Have an arm's process killed before its n-th run."""

    def kill(name: str, number: int) -> None:
        honest, runs = ArmProcess.run, [0]

        def run(self: ArmProcess, workload: Workload, draw: str) -> Sample:
            if self.arm.name == name:
                runs[0] += 1
                if runs[0] == number:
                    os.kill(self.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            return honest(self, workload, draw)

        monkeypatch.setattr(ArmProcess, "run", run)

    return kill


def test_what_cannot_be_loaded_is_left_out(
    arms: list[Arm], failed: list[tuple[str, RunnerError]], tmp_path: Path
) -> None:
    some = [damaged(arms[0], tmp_path), *arms[1:]]
    wanted = Wanted(most_blocks=2, warm_ups=1, loads=True)
    records = measure(some, TESTS, wanted, lost=noting(failed))
    assert [name for name, _ in failed] == ["one"]
    assert isinstance(failed[0][1], BadModelFile)
    assert [one.name for one in records] == ["other", "third"]
    for one in records:
        assert one.method is not None and one.method.stopped == "blocks"
        assert [len(test.samples) for test in one.tests] == [4, 4]


def test_what_cannot_be_placed_or_read_is_left_out(
    arms: list[Arm], failed: list[tuple[str, RunnerError]], tmp_path: Path
) -> None:
    no_model = tmp_path / "no.gguf"
    no_model.write_bytes(b"GGUF and no more")
    impossible = Arm("impossible", arms[0].located, Settings(kv="q8_0", flash_attention="off"))
    empty = replace(arms[0], name="empty", located=replace(arms[0].located, path=no_model))
    (record,) = measure(
        [empty, impossible, arms[1]],
        TESTS,
        Wanted(most_blocks=1, warm_ups=1),
        lost=noting(failed),
    )
    assert [name for name, _ in failed] == ["empty", "impossible"]
    assert isinstance(failed[0][1], BadModelFile)
    assert record.name == "other" and all(test.samples for test in record.tests)
    with pytest.raises(ConfigurationError):
        measure([impossible, impossible], TESTS, Wanted(), lost=lambda *_: None)


@pytest.mark.parametrize("in_turn", [False, True])
def test_what_an_arm_gave_until_it_failed_is_kept(
    arms: list[Arm],
    failed: list[tuple[str, RunnerError]],
    kills: Callable[[str, int], None],
    monkeypatch: pytest.MonkeyPatch,
    in_turn: bool,
) -> None:
    if in_turn:
        monkeypatch.setattr("runner.bench.room.SHARE", 0.0)
    kills("other", 9 if in_turn else 8)
    wanted = Wanted(most_blocks=3, warm_ups=1, energy=True)
    records = measure(arms, TESTS, wanted, lost=noting(failed))
    ((name, error),) = failed
    assert name == "other" and "other: the process that measures ended" in error.message
    stopped = {one.name: one.method.stopped for one in records if one.method is not None}
    assert stopped == {"one": "blocks", "other": "failed", "third": "blocks"}
    runs = {one.name: [len(test.samples) for test in one.tests] for one in records}
    assert runs["one"] == runs["third"] == [6, 6]
    assert 0 < sum(runs["other"]) < 12
    assert all(test.summaries for one in records for test in one.tests if test.samples)


def test_a_failure_in_the_meter_leaves_the_figures_whole(
    arms: list[Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RunnerError("the meter is gone")

    monkeypatch.setattr(ArmProcess, "energy", broken)
    lost = list[Arm]()
    wanted = Wanted(most_blocks=1, warm_ups=1, energy=True)
    (record,) = measure(arms[:1], TESTS, wanted, lost=lambda arm, _: lost.append(arm))
    assert not lost and record.method is not None and record.method.stopped == "blocks"
    assert {energy.reason for test in record.tests for energy in test.energy} == {
        "the meter is gone"
    }


def test_where_all_fail_it_ends_with_what_there_is(
    arms: list[Arm], failed: list[tuple[str, RunnerError]], kills: Callable[[str, int], None]
) -> None:
    kills("one", 6)
    wanted = Wanted(warm_ups=1)
    (record,) = measure(arms[:1], TESTS, wanted, lost=noting(failed))
    assert record.method is not None and record.method.stopped == "failed"
    assert sum(len(test.samples) for test in record.tests) == 3
    assert [name for name, _ in failed] == ["one"]


def test_where_nothing_was_measured_the_last_error_is_raised(
    arms: list[Arm], failed: list[tuple[str, RunnerError]], tmp_path: Path
) -> None:
    both = [replace(damaged(arms[0], tmp_path), name=name) for name in ("a", "b")]
    with pytest.raises(BadModelFile):
        measure(both, TESTS, Wanted(), lost=noting(failed))
    assert [name for name, _ in failed] == ["a", "b"]


def test_where_nobody_is_told_a_failure_ends_it(
    arms: list[Arm], kills: Callable[[str, int], None]
) -> None:
    kills("other", 4)
    with pytest.raises(RunnerError, match="other: the process that measures ended"):
        measure(arms, TESTS, Wanted(most_blocks=3, warm_ups=1))


def test_the_command_keeps_the_figures_and_ends_with_the_error(
    kills: Callable[[str, int], None],
) -> None:
    kills("tiny Q8_0, KV q8_0", 12)
    lists = ["bench", "tiny", "-p", "16", "-n", "4", "-r", "3", "-t", "1", "--kv", "f16,q8_0"]
    done = CliRunner().invoke(app, [*lists, "--no-energy", "--no-ceiling", "--json"])
    assert done.exit_code == 1
    printed = json.loads(done.stdout)["records"]
    assert [one["name"] for one in printed] == ["tiny Q8_0, KV f16", "tiny Q8_0, KV q8_0"]
    assert [one["method"]["stopped"] for one in printed] == ["blocks", "failed"]
    assert {one.id for one in History().find()} == {one["id"] for one in printed}
    said = done.stderr.splitlines()
    assert any(line.endswith("it is left out from here on") for line in said)
    assert "error: tiny Q8_0, KV q8_0: the process that measures ended" in said[-2]
    assert "runner verify" in said[-1]


def test_progress_goes_on_to_the_end(arms: list[Arm], tmp_path: Path) -> None:
    told = list[Progress]()
    some = [arms[0], damaged(arms[1], tmp_path)]
    wanted = Wanted(most_blocks=2, warm_ups=1)
    measure(some, TESTS, wanted, progress=told.append, lost=lambda *_: None)
    shares = [one.share for one in told if one.phase == "measuring" and one.share is not None]
    assert shares and shares == sorted(shares)
    assert {one.arm for one in told if one.phase == "measuring"} == {"one"}
