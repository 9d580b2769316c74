"""Figures of text, and records as tables of them."""

import io
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cli.figures import bar, interval_bar, sparkline
from runner.cli.records import print_records
from runner.settings import Settings
from tests.report.made import quality_records, speed_records


@pytest.fixture(autouse=True)
def utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.cli.figures.encodable", lambda text: True)


def test_sparklines() -> None:
    assert sparkline([]) == ""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([98, 100], from_zero=True) == "██"
    assert sparkline([5, 5, 5]) == "▅▅▅"
    assert sparkline([0, 0, 7, 7], 2) == "▁█"


def test_bars() -> None:
    assert bar(0.5, 4) == "██  "
    assert bar(0.03125, 4) == "▏   "
    assert bar(7, 3) == "███"
    assert interval_bar(4, 6, 8, 0, 10, 11) == "    ├─●─┤  "


@given(*[st.floats(-10, 20)] * 3)
def test_an_interval_keeps_its_width(one: float, two: float, three: float) -> None:
    low, middle, high = sorted((one, two, three))
    assert len(interval_bar(low, middle, high, 0, 10, 24)) == 24


def test_plain_where_the_encoding_has_no_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    drawn = sparkline([1, 2, 3]) + bar(0.5, 4) + interval_bar(4, 6, 8, 0, 10, 11)
    assert drawn.isascii()
    assert "|-o-|" in drawn


def test_one_record(capsys: pytest.CaptureFixture[str]) -> None:
    print_records(speed_records()[:1], Settings())
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("tg128 "))
    assert "83% of" in row and "●" in row
    assert not any("ARM" in line for line in lines)
    assert any(line.startswith("energy") and "not measured" in line for line in lines)
    assert any(line.startswith("advice") for line in lines)


def test_several_records_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    print_records(speed_records(), Settings())
    out = capsys.readouterr().out
    assert "THROTTLED, NOISY" in out
    refused = next(line for line in out.splitlines() if line.startswith("reasoning"))
    assert "refused" in refused and "CACHED" in refused
    rows = [line.split("   ")[0] for line in out.splitlines() if line.startswith("tg128 ")]
    assert len(rows) == 5


def test_answers(capsys: pytest.CaptureFixture[str]) -> None:
    print_records(quality_records()[:1], Settings())
    out = capsys.readouterr().out
    assert "74.1 %" in out and "69.8 to 78.4 %" in out and "numeric" in out


def test_json_is_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from runner.bench.plain import from_plain
    from runner.bench.record import Record

    records = speed_records()[:2]
    print_records(records, replace(Settings(), json=True))
    read = json.loads(capsys.readouterr().out)
    assert tuple(from_plain(Record, one) for one in read) == records
