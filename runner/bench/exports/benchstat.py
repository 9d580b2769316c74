"""Samples as Go's benchstat reads them: lines of configuration, of units, and one a sample.

The format is https://go.dev/design/14313-benchmark-format, its lines of units those of
https://go.dev/issue/43744.
"""

import re
from collections.abc import Iterator, Sequence

from runner.bench import metrics
from runner.bench.llama_bench.fields import REFUSED
from runner.bench.record import Record, Test


def write(records: Sequence[Record]) -> str:
    """A block of lines for each record that has samples of speed; refused tests have none."""
    text = "".join(f"{line}\n" for record in records for line in _lines(record))
    return "".join(f"{line}\n" for line in _units()) + text if text else ""


def _units() -> Iterator[str]:
    known = dict.fromkeys((one.unit, one.higher_is_better) for one in metrics.METRICS.values())
    for unit, higher in known:
        yield f"Unit {_unit(unit)} better={'higher' if higher else 'lower'}"


def _lines(record: Record) -> Iterator[str]:
    samples = [line for test in record.tests for line in _of_test(test)]
    if not samples:
        return
    how, model = record.configuration, record.model
    yield ""
    for key, value in (
        ("id", record.id),
        ("date", record.date),
        ("name", record.name),
        ("model", model.name),
        ("quantization", model.quantization),
        ("sha256", model.sha256),
        ("cpu", record.machine.processor),
        ("machine", record.machine.id),
        ("llama-cpp", record.tool.llama_cpp_python or record.tool.build),
        ("devices", " ".join(how.devices)),
        ("threads", how.threads),
        ("threads-batch", how.threads_batch),
        ("micro-batch", how.micro_batch),
        ("kv", how.kv),
        ("flash-attention", how.flash_attention),
        ("gpu-layers", how.gpu_layers),
    ):
        yield f"{key}: {' '.join(str('' if value is None else value).split())}".rstrip()
    yield from samples


def _of_test(test: Test) -> Iterator[str]:
    if REFUSED.intersection(test.flags):
        return
    metric = metrics.primary(test)
    shown = (metric, metrics.FIRST_TOKEN) if test.kind == "reply" else (metric,)
    name = re.sub(r"\s+", "-", f"{metric.name.capitalize()}/test={test.name}")
    for sample in test.samples:
        values = [(value, one.unit) for one in shown if (value := one.of(sample))]
        if values:
            told = " ".join(f"{value:.6g} {_unit(unit)}" for value, unit in values)
            yield f"Benchmark{name} 1 {told}"


def _unit(unit: str) -> str:
    """benchstat's own name of a second; it divides by the runs itself."""
    return "sec/op" if unit == "s" else unit
