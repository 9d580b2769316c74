"""Measuring this machine where a command wants it: what a person sees, and how it ends."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner import machine
from runner.cli.measuring import measured
from runner.errors import DiskError
from runner.machine.rates import Rates, keep
from runner.paths import data_directory
from runner.settings import load


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No place for the model that is measured with."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))


def test_what_was_only_wanted_may_fail(no_room: None, capsys: pytest.CaptureFixture[str]) -> None:
    (data_directory() / "rates.json").unlink()
    measured(load({}))
    said = capsys.readouterr().err
    assert "speed, once: about ten seconds" in said
    assert "speed stays unmeasured" in said
    assert machine.rates() is None


def test_what_was_asked_for_fails(no_room: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DiskError):
        measured(load({}), again=True)
    assert "once" not in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no process can send itself a Ctrl-C there")
def test_ctrl_c_in_the_last_step_counts_and_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = machine.rates()
    assert rates is not None

    def last_step(progress: Callable[[float], bool]) -> Rates:
        progress(1.0)
        os.kill(os.getpid(), signal.SIGINT)
        return rates

    monkeypatch.setattr(machine, "measure", last_step)
    with pytest.raises(KeyboardInterrupt):
        measured(load({}), again=True)
    said = capsys.readouterr().err
    assert said.endswith("stopped before this machine's speed was measured\n")


def test_what_was_measured_beside_other_programs_is_measured_again_where_that_matters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = machine.rates()
    assert rates is not None
    keep(replace(rates, others=0.3))
    shares = [0.4, 0.01]

    def measure(progress: Callable[[float], bool]) -> Rates:
        found = replace(rates, others=shares.pop(0))
        keep(found)
        return found

    monkeypatch.setattr(machine, "measure", measure)
    measured(load({}))
    assert len(shares) == 2
    measured(load({}), undisturbed=True)
    assert "other programs took 40% of the processors' time meanwhile" in capsys.readouterr().err
    measured(load({}), undisturbed=True)
    assert "other programs" not in capsys.readouterr().err
    measured(load({}), undisturbed=True)
    assert not shares
