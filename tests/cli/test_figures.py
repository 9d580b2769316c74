"""Figures of text, and records as tables of them."""

import io
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.wording import method_words
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


def test_what_arms_share_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = speed_records()[:2]
    how = replace(other.configuration, threads=4, threads_batch=4)
    assert other.method is not None
    method = replace(other.method, warm_ups=5)
    print_records([one, replace(other, configuration=how, method=method)], Settings())
    heads = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    assert heads == [
        "model     r1-qwen-1.5b, 1.78 billion parameters",
        "loaded    on CPU, context 9216, batch 2048, micro-batch 512, KV f16, flash attention on",
        "method    9 blocks in random order, 512 s of 600 s, stopped when the intervals were "
        "narrow enough, medians of blocks, 95% bootstrap intervals over blocks, seed 7",
        "machine   Ryzen 7 7840U, 8 cores, 8 threads to use, 32.0 GiB, Linux 6.8, memory read at "
        "58.4 GB/s (measured)",
        "by        runner 0.9.0, llama-cpp-python 0.3.36, Python 3.12.4",
        "arm       r1-qwen-1.5b Q8_0: Q8_0, 1.89 GB, threads 8, after 3 warm-ups",
        "arm       r1-qwen-1.5b Q4_K_M: Q4_K_M, 1.12 GB, threads 4, after 5 warm-ups",
    ]


def test_of_other_models_nothing_is_shared(capsys: pytest.CaptureFixture[str]) -> None:
    print_records([speed_records()[0], speed_records()[4]], Settings())
    out = capsys.readouterr().out
    assert "qwen3-0.6b, Q8_0, 639 MB, 1.78 billion parameters" in out
    assert not out.startswith("model ")


def test_an_endless_measurement_has_no_budget() -> None:
    method = speed_records()[0].method
    assert method is not None
    assert "512 s, stopped" in method_words(replace(method, time_budget=0.0))


def test_a_rule_of_comparing_is_told_of_accuracies_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_records(quality_records()[:1], Settings())
    lines = capsys.readouterr().out.splitlines()
    (head,) = (line for line in lines if line.startswith("TASK"))
    assert head.endswith("COMPARED BY")
    rows = [line for line in lines if line.startswith(("arithmetic", "wiki"))]
    assert [line.endswith(("numeric", "per_token")) for line in rows] == [True, False, False, False]


def test_answers(capsys: pytest.CaptureFixture[str]) -> None:
    print_records(quality_records()[:1], Settings())
    out = capsys.readouterr().out
    assert "74.1 %" in out and "69.8 to 78.4 " in out and "numeric" in out


def test_json_is_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from runner.bench.plain import from_plain
    from runner.bench.record import Record

    records = speed_records()[:2]
    print_records(records, replace(Settings(), json=True))
    read = json.loads(capsys.readouterr().out)
    assert tuple(from_plain(Record, one) for one in read["records"]) == records
    print_records(records[:1], replace(Settings(), json=True))
    assert list(json.loads(capsys.readouterr().out)) == ["records"]
