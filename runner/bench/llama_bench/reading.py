"""llama-bench's results as records. Fields that an older llama-bench had are understood too."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PureWindowsPath
from typing import Any

from runner.bench import metrics
from runner.bench.llama_bench.fields import FLASH_ATTENTION, NANO, rows_of
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

BACKENDS = {"cuda": "CUDA", "opencl": "OpenCL", "vulkan": "Vulkan", "kompute": "Kompute",
            "metal": "Metal", "sycl": "SYCL", "gpu_blas": "GPU BLAS", "blas": "BLAS"}  # fmt: skip
"""Fields of an older llama-bench, which has no `backends`: it calls itself by the first it has."""

TAKEN = {"model_filename", "use_mmap", "build_commit", "build_number", *BACKENDS}
"""Fields of which a record has what it needs: of a file the name, without its folder."""

_NOTHING = object()

MOST = 2**63
"""What a number of llama-bench can be: 292 years of nanoseconds."""


def is_row(value: Any) -> bool:
    """Whether it is one of llama-bench's results."""
    return isinstance(value, dict) and {"n_prompt", "n_gen", "samples_ns"} <= value.keys()


def records_of(rows: Sequence[Row]) -> list[Record]:
    """A record of each model and configuration, in the order of the rows. The same results give the
    same records, also beside others, and where they were imported and exported again. Each is a
    run of its own: llama-bench measures one after the other, so that nothing in two of them is a
    pair. Raises ValueError for what is no such result."""
    groups: list[list[Row]] = []
    latest: dict[str, list[Row]] = {}
    for row in rows:
        told = json.dumps({name: row[name] for name in sorted(row.keys() - MEASURED)})
        # A test that was run twice begins a record of its own.
        if told not in latest or _name(row) in map(_name, latest[told]):
            latest[told] = []
            groups.append(latest[told])
        latest[told].append(row)
    records = list(map(_record, groups))
    return [replace(record, id=(id := _id(record)), run=id) for record in records]


def _id(record: Record) -> str:
    """As `facts.new_id` makes them, but of what the results say."""
    digest = sha256(json.dumps(rows_of([record]), sort_keys=True).encode()).hexdigest()
    return f"{datetime.fromisoformat(record.date):%Y%m%d-%H%M}-{digest[:8]}"


def _date(row: Row) -> datetime:
    moment = datetime.fromisoformat(str(row.get("test_time")))
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None, microsecond=0)


def _record(rows: Sequence[Row]) -> Record:
    """Without a name of its own yet."""
    first = rows[0]
    model = _model(first)
    configuration = _configuration(first, max(_tokens(row) for row in rows))
    record = Record(
        id="",
        run="",
        date=f"{_date(first).isoformat()}Z",
        kind="speed",
        name=f"{model.name or model.description}, {configuration.threads} threads",
        tool=Tool(
            runner="",
            llama_cpp_python="",
            build=f"llama-bench {first.get('build_commit', '?')} ({_count(first, 'build_number')})",
            python="",
        ),
        machine=_machine(first),
        model=model,
        configuration=configuration,
        tests=tuple(_test(row, (_date(row) - _date(first)).total_seconds()) for row in rows),
    )
    return replace(record, configuration=replace(configuration, other=_other(first, record)))


def _other(row: Row, record: Record) -> dict[str, Any]:
    """What the row says that the record has no place for: all that would be written otherwise."""
    written = rows_of([record])[0]
    return {
        name: value
        for name, value in row.items()
        if name not in MEASURED | TAKEN and written.get(name, _NOTHING) != value
    }


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
    older = next((said for name, said in BACKENDS.items() if row.get(name)), "CPU")
    backends = str(row.get("backends", older)).split(",")
    mapped = row.get("load_mode") not in ("none", "dio") and row.get("use_mmap", True)
    return Configuration(
        context=context,
        threads=_count(row, "n_threads"),
        threads_batch=_count(row, "n_threads"),
        batch=_count(row, "n_batch"),
        micro_batch=_count(row, "n_ubatch"),
        kv=keys if keys == values else f"{keys}/{values}",
        flash_attention=FLASH_ATTENTION.get(_integer(row, "flash_attn", -1), "auto"),
        gpu_layers=_integer(row, "n_gpu_layers", -1),
        devices=tuple(dict.fromkeys(("CPU", *backends))),
        mmap=bool(mapped),
        repack=bool(row.get("repack", True)),
        speculate=False,
        draft=None,
        adapters=(),
        sampling={},
    )


def _test(row: Row, began: float) -> Test:
    """`began` is in seconds since the record's date."""
    prompt, reply, depth = (_count(row, name) for name in ("n_prompt", "n_gen", "n_depth"))
    nanoseconds = row["samples_ns"]
    if not (isinstance(nanoseconds, list) and nanoseconds and prompt + reply):
        raise ValueError(f"the test {_name(row)} has no samples")
    samples = []
    for block, one in enumerate(nanoseconds):
        if not isinstance(one, int | float) or not 0 < one <= MOST:
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
    metric = metrics.primary(test)
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
    if (value := _integer(row, name, 0)) < 0:
        raise ValueError(f"{name} is {value}, which is no count")
    return value


def _integer(row: Row, name: str, default: int) -> int:
    value = row.get(name, default)
    if not isinstance(value, int) or abs(value) > MOST:
        raise ValueError(f"{name} is {value!r}, which is no whole number")
    return int(value)
