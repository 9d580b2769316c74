"""llama-bench's results: in and out again as the real program wrote them."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from runner.bench.exports import FORMS, exported, left_out
from runner.bench.files import read_records
from runner.bench.llama_bench import rows_of
from runner.errors import BadDocument

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

OWN = {"model_filename", "load_mode"}
"""Of the file a record has the name alone, and it knows how it was loaded."""


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


def test_the_same_file_gives_the_same_records(path: Path) -> None:
    assert read_records(path) == read_records(path)


def test_a_configuration_is_a_record(path: Path) -> None:
    rows = [SAID, DECODE, SAID | {"n_threads": 1}, DECODE | {"n_threads": 1}, SAID]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    records = read_records(path)
    assert [len(record.tests) for record in records] == [2, 1, 2]
    assert [record.configuration.threads for record in records] == [2, 2, 1]
    assert len({record.run for record in records}) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"samples_ns": []}, {"samples_ns": [0]}, {"samples_ns": ["1"]}, {"n_prompt": -1},
     {"n_gen": "x"}, {"test_time": "once"}, {"flash_attn": "maybe"}],
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
        assert bool(left_out(records, form)) == (form != "json")


def test_json_keeps_all(path: Path) -> None:
    records = read_records(path)
    path.write_text(exported(records, "json"), encoding="utf-8")
    assert read_records(path) == records


def test_benchstat_lines(path: Path) -> None:
    lines = exported(read_records(path), "benchstat").splitlines()
    assert "Unit tokens/s better=higher" in lines
    assert sum(line.startswith("Benchmark") and "pp16 1 " in line for line in lines) == 3
