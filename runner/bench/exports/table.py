"""Every figure of the records as a line of CSV, with what tells it from the others."""

import csv
import io
from collections.abc import Iterator, Sequence

from runner.bench.record import Record, Summary, TaskResult, Test

# fmt: off
COLUMNS = (
    "id", "run", "date", "kind", "name", "model", "quantization", "model_sha256", "machine",
    "processor", "devices", "system", "llama_cpp", "context", "threads", "threads_batch", "batch",
    "micro_batch", "kv", "flash_attention", "gpu_layers", "test", "metric", "unit", "median", "low",
    "high", "blocks", "samples", "outliers", "flags", "formula",
)
# fmt: on


def write(records: Sequence[Record]) -> str:
    """A line for each figure; `low` and `high` are empty where there is no interval. A test
    without figures has a line with its flags, which say why."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        about = _about(record)
        measurements: tuple[Test | TaskResult, ...] = (*record.tests, *record.tasks)
        for measured in measurements:
            flags = {*record.flags, *(measured.flags if isinstance(measured, Test) else ())}
            for figure in _figures(measured.summaries):
                values = about | figure | {"test": measured.name, "flags": " ".join(sorted(flags))}
                writer.writerow([values.get(column, "") for column in COLUMNS])
    return out.getvalue()


def _about(record: Record) -> dict[str, object]:
    how, model, machine = record.configuration, record.model, record.machine
    return {
        "id": record.id,
        "run": record.run,
        "date": record.date,
        "kind": record.kind,
        "name": record.name,
        "model": model.name,
        "quantization": model.quantization,
        "model_sha256": model.sha256,
        "machine": machine.id,
        "processor": machine.processor,
        "devices": " ".join(how.devices),
        "system": machine.system,
        "llama_cpp": record.tool.llama_cpp_python or record.tool.build,
        "context": how.context,
        "threads": how.threads,
        "threads_batch": how.threads_batch,
        "batch": how.batch,
        "micro_batch": how.micro_batch,
        "kv": how.kv,
        "flash_attention": how.flash_attention,
        "gpu_layers": how.gpu_layers,
    }


def _figures(summaries: Sequence[Summary]) -> Iterator[dict[str, object]]:
    for one in summaries:
        low, high = one.interval or ("", "")
        yield {
            "metric": one.metric,
            "unit": one.unit,
            "median": one.median,
            "low": low,
            "high": high,
            "blocks": one.blocks,
            "samples": one.samples,
            "outliers": one.outliers,
            "formula": one.formula,
        }
    if not summaries:
        yield {}
