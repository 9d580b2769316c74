"""llama-bench's results: in and out again as the real program wrote them."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.bench.compare import compare
from runner.bench.exports import FORMS, exported, left_out
from runner.bench.files import read_records
from runner.bench.history import History
from runner.bench.llama_bench import rows_of
from runner.cli.records import print_records
from runner.errors import BadDocument
from runner.settings import Settings
from tests.report.made import quality_records, speed_records, with_few_runs

SAID: dict[str, Any] = {
    "build_commit": "0c1e570", "build_number": 1, "cpu_info": "AMD EPYC", "gpu_info": "",
    "backends": "CPU", "model_filename": "/models/stories260K-F32.gguf",
    "model_type": "llama ?B all F32", "model_size": 1040128, "model_n_params": 260032,
    "n_batch": 2048, "n_ubatch": 512, "n_threads": 2, "cpu_mask": "0x0", "cpu_strict": False,
    "poll": 50, "type_k": "f16", "type_v": "f16", "n_gpu_layers": -1, "n_cpu_moe": 0,
    "split_mode": "layer", "main_gpu": 0, "no_kv_offload": False, "flash_attn": -1,
    "devices": "auto", "tensor_split": "0.00", "tensor_buft_overrides": "none",
    "load_mode": "auto", "lazy_mode": "auto", "embeddings": False, "no_op_offload": 0,
    "no_host": False, "repack": True, "fit_target": 0, "fit_min_ctx": 0, "n_prompt": 16,
    "n_gen": 0, "n_depth": 0, "test_time": "2026-11-27T05:03:19Z", "avg_ns": 588554,
    "stddev_ns": 67927, "avg_ts": 27428.897512, "stddev_ts": 3173.398232,
    "samples_ns": [657296, 586894, 521472], "samples_ts": [24342.2, 27262.2, 30682.4],
}  # fmt: skip
"""What the pinned llama.cpp's llama-bench wrote of stories260K-F32."""

DECODE = SAID | {
    "n_prompt": 0, "n_gen": 8, "avg_ns": 868953, "stddev_ns": 73318, "avg_ts": 9250.120866,
    "stddev_ts": 776.832986, "samples_ns": [864181, 944542, 798138],
    "samples_ts": [9257.32, 8469.71, 10023.3],
}  # fmt: skip
BOTH = SAID | {"n_gen": 8, "n_depth": 32, "samples_ns": [2674398, 2940354]}

OWN = {"model_filename"}
"""Of the file a record has the name alone."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "said.json"
    path.write_text(json.dumps([SAID, DECODE, BOTH]), encoding="utf-8")
    return path


def test_in_and_out_again(path: Path) -> None:
    (record,) = read_records(path)
    assert [test.name for test in record.tests] == ["pp16", "tg8", "pp16+tg8@d32"]
    assert [round(test.summaries[0].median) for test in record.tests] == [27262, 9257, 8568]
    for said, written in zip((SAID, DECODE), rows_of([record]), strict=False):
        assert list(said) == list(written)
        assert {k: v for k, v in said.items() if k not in OWN} == {
            k: v for k, v in written.items() if k not in OWN
        }


OTHERWISE = {"poll": 0, "n_cpu_moe": 20, "main_gpu": 1, "load_mode": "dio", "devices": "CUDA1",
             "gpu_info": "NVIDIA RTX 3060, 12 GB", "backends": "CUDA", "n_gpu_layers": 99,
             "type_v": "q8_0", "flash_attn": 1, "embeddings": True}  # fmt: skip
LATER = {"test_time": "2026-11-27T05:04:00Z"}


@pytest.mark.parametrize("form", ["llama-bench-json", "llama-bench-jsonl"])
def test_in_out_in_and_out_is_the_same(path: Path, form: str) -> None:
    """Whatever llama-bench said is said again, and the records are the same ones."""
    rows = [SAID, DECODE | LATER, BOTH | LATER, SAID | OTHERWISE, DECODE | OTHERWISE, SAID]
    rows = [row | {"model_filename": "stories260K-F32.gguf"} for row in rows]
    path.write_text(json.dumps(rows), encoding="utf-8")
    records = read_records(path)
    known = {"samples_ns", *OTHERWISE, "test_time", "n_prompt", "n_gen", "n_depth", "build_number"}
    for said, written in zip(rows, rows_of(records), strict=True):
        assert {name: said[name] for name in known} == {name: written[name] for name in known}
    first = exported(records, form)
    path.write_text(first, encoding="utf-8")
    again = read_records(path)
    assert again == records
    assert exported(again, form) == first


@pytest.mark.parametrize("form", ["llama-bench-json", "llama-bench-jsonl"])
def test_own_records_come_out_as_they_went_in(path: Path, form: str) -> None:
    first = exported([with_few_runs(record) for record in speed_records()], form)
    path.write_text(first, encoding="utf-8")
    assert exported(read_records(path), form) == first


def test_an_imported_record_reads_well(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(json.dumps([SAID | OTHERWISE, DECODE | OTHERWISE]), encoding="utf-8")
    print_records(read_records(path), Settings())
    heads = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    assert heads == [
        "model     stories260K-F32, F32, 1.04 MB, 0.26 million parameters",
        "loaded    on CPU, CUDA, threads 2, context 16, batch 2048, micro-batch 512, KV f16/q8_0, "
        "flash attention on, 99 layers on devices, not memory-mapped, poll 0, n_cpu_moe 20, "
        "main_gpu 1, devices CUDA1, load_mode dio, embeddings True",
        "machine   AMD EPYC, NVIDIA RTX 3060, 12 GB",
        "by        llama-bench 0c1e570 (1)",
    ]


def test_the_same_file_gives_the_same_records(path: Path) -> None:
    assert read_records(path) == read_records(path)


def test_a_configuration_is_a_record(path: Path) -> None:
    rows = [SAID, DECODE, SAID | {"n_threads": 1}, DECODE | {"n_threads": 1}, SAID]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    records = read_records(path)
    assert [len(record.tests) for record in records] == [2, 2, 1]
    assert [record.configuration.threads for record in records] == [2, 1, 2]


def test_a_result_is_the_same_record_beside_others(path: Path) -> None:
    """A file that grew, and an export of two imports, add what is new and nothing else."""
    history = History()
    one, other = ([row | {"n_threads": n} for row in (SAID, DECODE)] for n in (1, 2))
    path.write_text("\n".join(map(json.dumps, one)), encoding="utf-8")
    assert history.add_all(read_records(path)) == 1
    path.write_text("\n".join(map(json.dumps, one + other)), encoding="utf-8")
    assert history.add_all(read_records(path)) == 1
    everything = [history.get(entry.id) for entry in history.find()]
    path.write_text(exported(everything, "llama-bench-json"), encoding="utf-8")
    assert history.add_all(read_records(path)) == 0


def test_what_llama_bench_measured_one_after_the_other_is_no_pair(path: Path) -> None:
    """Two equal arms of a machine that slowed down between them, by more than within each."""
    nanoseconds = [10**9 + 10**6 * n for n in range(8)]
    rows = [
        SAID | {"n_threads": n, "samples_ns": [round(one * slower) for one in nanoseconds]}
        for n, slower in ((1, 1.0), (2, 1.05))
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    first, second = read_records(path)
    assert first.run != second.run
    paired = compare(first, replace(second, run=first.run)).tests[0]
    apart = compare(first, second).tests[0]
    assert paired.interval is not None and apart.interval is not None
    assert apart.interval[1] - apart.interval[0] > paired.interval[1] - paired.interval[0]


def test_an_older_llama_bench_says_its_backend_otherwise(path: Path) -> None:
    older = {name: SAID[name] for name in SAID if name not in ("backends", "load_mode", "repack")}
    older |= {"cuda": True, "vulkan": False, "metal": False, "gpu_blas": True, "blas": True}
    path.write_text(json.dumps([older | {"use_mmap": False, "n_gpu_layers": 99}]), encoding="utf-8")
    (record,) = read_records(path)
    assert record.configuration.devices == ("CPU", "CUDA") and not record.configuration.mmap
    assert record.configuration.other == {}
    path.write_text(json.dumps([older | {"cuda": False, "gpu_blas": False, "blas": False}]))
    (record,) = read_records(path)
    assert record.configuration.devices == ("CPU",)


def test_fields_of_a_later_llama_bench_come_out_again(path: Path) -> None:
    path.write_text(json.dumps([SAID | {"later": "x"}, DECODE | {"later": "y"}]), encoding="utf-8")
    records = read_records(path)
    assert [row["later"] for row in rows_of(records)] == ["x", "y"]
    path.write_text(exported(records, "llama-bench-jsonl"), encoding="utf-8")
    assert read_records(path) == records
    path.write_text(json.dumps([SAID | {"later": "x"}, SAID | {"n_threads": 1}]), encoding="utf-8")
    for form in ("llama-bench-csv", "llama-bench-sql"):
        assert "later" not in exported(read_records(path), form)


@pytest.mark.parametrize(
    "wrong",
    [{"samples_ns": []}, {"samples_ns": [0]}, {"samples_ns": ["1"]}, {"n_prompt": -1},
     {"n_gen": "x"}, {"test_time": "once"}, {"flash_attn": "maybe"}, {"flash_attn": None},
     {"n_gpu_layers": []}, {"samples_ns": [10**400]}, {"samples_ns": [1e308]}, {"n_batch": 2**99},
     {"test_time": "0001-01-01T00:00:00+14:00"}, {"model_filename": "\ud800"}],
)  # fmt: skip
def test_what_is_no_result_is_refused(path: Path, wrong: dict[str, Any]) -> None:
    path.write_text(json.dumps([SAID | wrong]), encoding="utf-8")
    with pytest.raises(BadDocument):
        read_records(path)


def test_its_sql_fills_a_table(path: Path) -> None:
    records = read_records(path)
    connection = sqlite3.connect(":memory:")
    connection.executescript(exported(records, "llama-bench-sql"))
    rows = connection.execute("SELECT n_prompt, n_gen, avg_ts, repack FROM llama_bench").fetchall()
    connection.close()
    assert rows[:2] == [(16, 0, 27428.897512, 1), (0, 8, 9250.120866, 1)]


def test_every_form_ends_in_a_line_feed_and_says_what_it_leaves_out(path: Path) -> None:
    records = read_records(path)
    for form in FORMS:
        assert exported(records, form).endswith("\n")
        assert exported([], form) == exported([], form)
        keeps = ("json", "benchstat", "llama-bench-json", "llama-bench-jsonl")
        assert left_out(records, form) == ("" if form in keeps else "samples")


def test_what_is_left_out_is_all_that_a_form_has_no_place_for() -> None:
    record = with_few_runs(speed_records()[1])
    assert left_out([record], "csv") == (
        "samples, energy, cost, ceilings, memory, load times, method and noise"
    )
    assert left_out([record], "markdown") == "samples, cost, ceilings, memory and load times"
    assert left_out([*quality_records()[:1]], "csv") == "answers"
    throttled = with_few_runs(speed_records()[2])
    assert left_out([throttled], "llama-bench-json").endswith("method, noise and flags")


def test_json_keeps_all(path: Path) -> None:
    records = read_records(path)
    path.write_text(exported(records, "json"), encoding="utf-8")
    assert read_records(path) == records


def test_a_prompt_and_a_reply_together_are_compared_by_the_whole_time(path: Path) -> None:
    (record,) = read_records(path)
    found = {test.test: test for test in compare(record, record).tests}
    assert found["pp16+tg8@d32"].metric == "total_rate" and found["pp16+tg8@d32"].ratio == 1
    lines = exported([record], "benchstat").splitlines()
    (first, _) = (line for line in lines if "pp16+tg8@d32" in line)
    assert first.startswith("BenchmarkTotal_rate/test=pp16+tg8@d32 1 8973.98 tokens/s")


def test_benchstat_lines(path: Path) -> None:
    lines = exported(read_records(path), "benchstat").splitlines()
    assert "Unit tokens/s better=higher" in lines
    assert sum(line.startswith("Benchmark") and "pp16 1 " in line for line in lines) == 3
