import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner import machine
from runner.errors import DiskError
from runner.machine.measuring import measured, read_bandwidth
from runner.machine.rates import CPU, DeviceRates, Rates, keep, raise_ceiling
from runner.paths import data_directory

HERE = DeviceRates("a processor", 1e-5, {"Q4_K": 3e10}, {"Q4_K": 3e11}, 2e10, 5e10)
RATES = Rates(2, 3.5e10, {CPU: HERE}, datetime(2026, 11, 26, 12, 0, tzinfo=UTC))


def kept_file() -> Path:
    return data_directory() / "rates.json"


def change(**changes: Any) -> None:
    kept_file().write_text(json.dumps(json.loads(kept_file().read_text()) | changes))


def test_what_was_measured_is_kept() -> None:
    assert machine.rates() is None
    keep(RATES)
    assert machine.rates() == RATES
    assert [path.name for path in data_directory().iterdir()] == ["rates.json"]


@pytest.mark.parametrize("part", ["processor", "threads", "gpus", "llama_cpp", "build"])
def test_rates_of_another_machine_or_build_do_not_count(part: str) -> None:
    keep(RATES)
    key = json.loads(kept_file().read_text())["key"]
    change(key=key | {part: "another"})
    assert machine.rates() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[[", '{"format": 1}', "\0", '{"format": 1, "key": 1}']
)
def test_a_damaged_file_counts_as_none(text: str) -> None:
    keep(RATES)
    kept_file().write_text(text)
    assert machine.rates() is None
    keep(RATES)
    assert machine.rates() == RATES


@pytest.mark.parametrize("value", [-1, 0, "fast", None, float("nan"), float("inf"), []])
def test_impossible_rates_count_as_none(value: object) -> None:
    keep(RATES)
    rates = json.loads(kept_file().read_text())["rates"]
    change(rates=rates | {"read_bandwidth": value})
    assert machine.rates() is None


def test_a_ceiling_is_raised_and_never_lowered() -> None:
    raise_ceiling()
    assert machine.rates() is None  # nothing was measured, and nothing is
    low = replace(RATES, threads=1, read_bandwidth=1.0, peak=1.0)
    keep(low)
    raise_ceiling()
    raised = machine.rates()
    assert raised is not None
    assert raised.read_bandwidth > 1e6 and raised.peak > 1e6
    assert replace(raised, read_bandwidth=1.0, peak=1.0) == low
    high = replace(low, read_bandwidth=1e18, peak=1e18)
    keep(high)
    raise_ceiling()
    assert machine.rates() == high


def test_a_load_meanwhile_is_known() -> None:
    assert not RATES.loaded and not replace(RATES, others=0.02).loaded
    busy = replace(RATES, others=0.3)
    keep(busy)
    assert machine.rates() == busy and busy.loaded


def test_a_place_that_cannot_be_written_is_told_of() -> None:
    data_directory().parent.mkdir(parents=True, exist_ok=True)
    data_directory().write_text("a file, not a folder")
    with pytest.raises(DiskError):
        keep(RATES)


def test_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fractions: list[float] = []

    def progress(done: float) -> bool:
        fractions.append(done)
        return True

    found = measured(progress, types=("Q4_K",), scale=0.1)
    here = found.devices[CPU]
    assert set(here.decode) == set(here.prefill) == {"Q4_K"}
    speeds = (*here.decode.values(), *here.prefill.values(), here.attention, here.prefill_attention)
    assert min(*speeds, here.layer_seconds, found.read_bandwidth, found.peak) > 0
    assert found.others is not None and 0 <= found.others <= 1
    assert fractions == sorted(fractions)
    assert len(fractions) > 3 * len(set(fractions))  # before each computation it can be stopped
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert not list(tmp_path.iterdir())
    keep(found)
    assert machine.rates() == found


def test_a_measurement_can_be_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    keep(RATES)
    with pytest.raises(KeyboardInterrupt):
        machine.measure(lambda done: done < 0.1)
    assert machine.rates() == RATES
    assert not list(tmp_path.iterdir())


def test_a_measurement_needs_room_for_its_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(DiskError, match="no room"):
        measured(types=("Q4_K",), scale=0.1)


def test_bandwidth_is_a_number_of_bytes() -> None:
    assert read_bandwidth(1, 2**22) > 0
