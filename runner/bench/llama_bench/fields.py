"""The fields of llama-bench's results, and how it spells their values."""

import re
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from runner.bench import metrics
from runner.bench.record import Record, Test

REFUSED = {"CACHED", "IMPLAUSIBLE"}
"""Flags of tests whose samples are no measurement, and go into no other program."""

FLASH_ATTENTION = {-1: "auto", 0: "off", 1: "on"}
NANO = 1e9


def rows_of(records: Iterable[Record]) -> list[dict[str, Any]]:
    """A result of each test of speed, with llama-bench's fields in its order. Refused ones are
    left out: llama-bench has no word for them."""
    return [
        _row(record, test, nanoseconds)
        for record in records
        for test in record.tests
        if not REFUSED.intersection(test.flags) and (nanoseconds := _nanoseconds(test))
    ]


def _nanoseconds(test: Test) -> list[int]:
    """Of each sample: as long as llama-bench's tokens take at the sample's rate."""
    if test.kind == "reply":
        seconds = [one.total_seconds for one in test.samples]
    else:
        tokens = test.prompt_tokens if test.kind == "prefill" else test.reply_tokens
        rates = metrics.values(test, metrics.PRIMARY[test.kind])
        seconds = [tokens / rate for _, rate in rates]
    return [round(one * NANO) for one in seconds if one > 0]


def _row(record: Record, test: Test, nanoseconds: Sequence[int]) -> dict[str, Any]:
    how, model = record.configuration, record.model
    prompt = test.prompt_tokens if test.kind != "decode" else 0
    reply = test.reply_tokens if test.kind != "prefill" else 0
    rates = [NANO * (prompt + reply) / one for one in nanoseconds]
    keys, _, values = how.kv.partition("/")
    flash = {said: number for number, said in FLASH_ATTENTION.items()}
    build = re.fullmatch(r"llama-bench (\S+) \((\d+)\)", record.tool.build)
    loaded = {
        "build_commit": build[1] if build else f"llama-cpp-python-{record.tool.llama_cpp_python}",
        "build_number": int(build[2]) if build else 0,
        "cpu_info": record.machine.processor,
        "gpu_info": ", ".join(record.machine.devices),
        "backends": _backends(how.devices),
        "model_filename": model.file,
        "model_type": model.description,
        "model_size": model.bytes,
        "model_n_params": model.parameters,
        "n_batch": how.batch,
        "n_ubatch": how.micro_batch,
        "n_threads": how.threads,
        "cpu_mask": "0x0",
        "cpu_strict": False,
        "poll": 50,
        "type_k": keys,
        "type_v": values or keys,
        "n_gpu_layers": how.gpu_layers,
        "n_cpu_moe": 0,
        "split_mode": "layer",
        "main_gpu": 0,
        "no_kv_offload": False,
        "flash_attn": flash.get(how.flash_attention, -1),
        "devices": "auto",
        "tensor_split": "0.00",
        "tensor_buft_overrides": "none",
        "load_mode": "mmap" if how.mmap else "none",
        "lazy_mode": "auto",
        "embeddings": False,
        "no_op_offload": 0,
        "no_host": False,
        "repack": how.repack,
        "fit_target": 0,
        "fit_min_ctx": 0,
    }
    return (
        loaded
        | how.other  # what llama-bench itself said of a result that was imported
        | {
            "n_prompt": prompt,
            "n_gen": reply,
            "n_depth": test.depth,
            "test_time": _began(record, test),
            "avg_ns": int(statistics.fmean(nanoseconds)),
            "stddev_ns": int(_deviation(nanoseconds)),
            "avg_ts": round(statistics.fmean(rates), 6),
            "stddev_ts": round(_deviation(rates), 6),
            "samples_ns": list(nanoseconds),
            "samples_ts": [float(f"{rate:.6g}") for rate in rates],
        }
    )


def _began(record: Record, test: Test) -> str:
    """When the test's first run began."""
    moment = datetime.fromisoformat(record.date) + timedelta(seconds=int(test.samples[0].began))
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _backends(devices: Sequence[str]) -> str:
    """ggml's backends by its devices' names: CUDA0 is CUDA's, an Apple GPU is MTL's."""
    found = dict.fromkeys(re.sub(r"\d+$|\[.*", "", name) for name in devices if name != "CPU")
    return ",".join(found) or "CPU"


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0
