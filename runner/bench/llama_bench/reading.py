"""llama-bench's results as records. Fields that an older llama-bench had are understood too."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PureWindowsPath
from typing import Any

from runner.bench import metrics
from runner.bench.llama_bench.fields import FLASH_ATTENTION, NANO
from runner.bench.record import (
    Configuration,
    Machine,
    ModelFile,
    Record,
    Sample,
    Summary,
    Test,
    Tool,
)
from runner.bench.statistics import summarize

Row = Mapping[str, Any]

MEASURED = {"n_prompt", "n_gen", "n_depth", "test_time", "avg_ns", "stddev_ns", "avg_ts",
            "stddev_ts", "samples_ns", "samples_ts"}  # fmt: skip
"""Fields of one test; all others are of the model, the machine and the configuration."""

TOTAL = ("total_rate", "tokens/s", "(prompt tokens + reply tokens) / seconds")


def is_row(value: Any) -> bool:
    """Whether it is one of llama-bench's results."""
    return isinstance(value, dict) and {"n_prompt", "n_gen", "samples_ns"} <= value.keys()


def records_of(rows: Sequence[Row]) -> list[Record]:
    """A record of each model and configuration, all of one run. The same rows give the same
    records. Raises ValueError for what is no such result."""
    run = _id(rows)
    groups: dict[str, list[list[Row]]] = {}
    for row in rows:
        told = json.dumps({name: row[name] for name in sorted(row.keys() - MEASURED)})
        # A test that was run twice begins a record of its own.
        for group in groups.setdefault(told, []):
            if _name(row) not in map(_name, group):
                group.append(row)
                break
        else:
            groups[told].append([row])
    return [_record(group, run) for several in groups.values() for group in several]


def _id(rows: Sequence[Row]) -> str:
    """As `facts.new_id` makes them, but of what the rows say."""
    digest = sha256(json.dumps([dict(row) for row in rows], sort_keys=True).encode()).hexdigest()
    return f"{datetime.fromisoformat(_date(rows[0])):%Y%m%d-%H%M}-{digest[:8]}"


def _date(row: Row) -> str:
    moment = datetime.fromisoformat(str(row.get("test_time")))
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _record(rows: Sequence[Row], run: str) -> Record:
    first = rows[0]
    model = _model(first)
    configuration = _configuration(first, max(_tokens(row) for row in rows))
    return Record(
        id=_id(rows),
        run=run,
        date=_date(first),
        kind="speed",
        name=f"{model.name}, {configuration.threads} threads",
        tool=Tool(
            runner="",
            llama_cpp_python="",
            build=f"llama-bench {first.get('build_commit')} ({first.get('build_number')})",
            python="",
        ),
        machine=_machine(first),
        model=model,
        configuration=configuration,
        tests=tuple(map(_test, rows)),
    )


def _machine(row: Row) -> Machine:
    """What llama-bench says of it: 0 and nothing stand for what it does not."""
    processor, devices = str(row.get("cpu_info", "")), str(row.get("gpu_info", ""))
    return Machine(
        id="lb" + sha256(f"{processor}\n{devices}".encode()).hexdigest()[:10],
        processor=processor,
        physical_cores=0,
        logical_cores=0,
        usable_threads=0,
        memory_bytes=0,
        system="",
        instruction_sets=(),
        devices=tuple(filter(None, devices.split(", "))),
    )


def _model(row: Row) -> ModelFile:
    from runner.hub import quantization_of

    file = PureWindowsPath(str(row.get("model_filename", "")))  # which knows both separators
    description = str(row.get("model_type", ""))
    return ModelFile(
        name=file.name.removesuffix(".gguf"),
        file=file.name,
        quantization=quantization_of(file.name),
        description=description,
        architecture=description.partition(" ")[0],
        bytes=_count(row, "model_size"),
        parameters=_count(row, "model_n_params"),
        sha256=None,
        tensor_types={},
        weight_bytes_per_token=0.0,
        kv_bytes_per_token=0.0,
    )


def _configuration(row: Row, context: int) -> Configuration:
    keys, values = str(row.get("type_k", "f16")), str(row.get("type_v", "f16"))
    backends = str(row.get("backends", "CPU")).split(",")
    mapped = row.get("load_mode") not in ("none", "dio") and row.get("use_mmap", True)
    return Configuration(
        context=context,
        threads=_count(row, "n_threads"),
        threads_batch=_count(row, "n_threads"),
        batch=_count(row, "n_batch"),
        micro_batch=_count(row, "n_ubatch"),
        kv=keys if keys == values else f"{keys}/{values}",
        flash_attention=FLASH_ATTENTION.get(int(row.get("flash_attn", -1)), "auto"),
        gpu_layers=int(row.get("n_gpu_layers", -1)),
        devices=tuple(dict.fromkeys(("CPU", *backends))),
        mmap=bool(mapped),
        repack=bool(row.get("repack", True)),
        speculate=False,
        draft=None,
        adapters=(),
        sampling={},
    )


def _test(row: Row) -> Test:
    prompt, reply, depth = (_count(row, name) for name in ("n_prompt", "n_gen", "n_depth"))
    nanoseconds = row["samples_ns"]
    if not (isinstance(nanoseconds, list) and nanoseconds and prompt + reply):
        raise ValueError(f"the test {_name(row)} has no samples")
    samples, began = [], 0.0
    for block, one in enumerate(nanoseconds):
        if not isinstance(one, int | float) or not one > 0:
            raise ValueError(f"the test {_name(row)} has a sample of {one!r} ns")
        samples.append(_sample(block, began, one / NANO, prompt, reply))
        began += one / NANO
    test = Test(
        name=_name(row),
        kind="prefill" if not reply else "reply" if prompt else "decode",
        workload="llama-bench",
        workload_sha256=sha256(f"llama-bench {prompt} {reply} {depth}".encode()).hexdigest(),
        prompt_tokens=prompt,
        reply_tokens=reply,
        depth=depth,
        samples=tuple(samples),
    )
    return replace(test, summaries=(_summary(test),))


def _sample(block: int, began: float, seconds: float, prompt: int, reply: int) -> Sample:
    """Of a prompt and a reply together only the whole time is known. Runner takes a reply's first
    token from its prompt; llama-bench decodes each of its tokens, as many as Runner does of a reply
    that is one token longer."""
    alone = not (prompt and reply)
    return Sample(
        block=block,
        position=0,
        began=began,
        prompt_tokens=prompt,
        cached_tokens=0,
        reply_tokens=reply + 1 if reply and alone else reply,
        prefill_seconds=seconds if prompt and alone else 0.0,
        first_token_seconds=0.0,
        decode_seconds=seconds if reply and alone else 0.0,
        total_seconds=seconds,
    )


def _summary(test: Test) -> Summary:
    if test.kind == "reply":
        tokens = test.prompt_tokens + test.reply_tokens
        rates = [(one.block, tokens / one.total_seconds) for one in test.samples]
        return summarize(*TOTAL, rates)
    metric = metrics.PRIMARY[test.kind]
    return summarize(metric.name, metric.unit, metric.formula, metrics.values(test, metric))


def _name(row: Row) -> str:
    """As Runner calls it: pp512, tg128@d4096, pp512+tg128."""
    prompt, reply, depth = (_count(row, name) for name in ("n_prompt", "n_gen", "n_depth"))
    parts = (f"pp{prompt}" if prompt else "", f"tg{reply}" if reply else "")
    return "+".join(filter(None, parts)) + (f"@d{depth}" if depth else "")


def _tokens(row: Row) -> int:
    return sum(_count(row, name) for name in ("n_prompt", "n_gen", "n_depth"))


def _count(row: Row, name: str) -> int:
    """A field that counts; 0 where an older llama-bench has none. Raises ValueError."""
    value = row.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} is {value!r}, which is no count")
    return value
