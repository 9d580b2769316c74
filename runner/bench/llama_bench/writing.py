"""llama-bench's results in the forms that it prints: JSON, JSON lines, CSV, Markdown and SQL."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.bench.llama_bench.fields import rows_of
from runner.bench.markdown import table
from runner.bench.record import Record

Row = Mapping[str, Any]

SAMPLES = ("samples_ns", "samples_ts")
"""Fields of JSON alone."""


def write(records: Sequence[Record], form: str) -> str:
    """The records' tests of speed as llama-bench prints them: "json", "jsonl", "csv", "md" or
    "sql"."""
    return WRITERS[form](rows_of(records))


def _json(rows: Sequence[Row]) -> str:
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _jsonl(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _csv(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    out, fields = io.StringIO(), _fields(rows)
    out.write(",".join(fields) + "\n")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([_text(row[name]) for name in fields] for row in rows)
    return out.getvalue()


def _sql(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    fields = _fields(rows)
    columns = ",\n".join(f"  {name} {_column(rows[0][name])}" for name in fields)
    lines = [f"CREATE TABLE IF NOT EXISTS llama_bench (\n{columns}\n);\n"]
    for row in rows:
        values = ", ".join("'" + _text(row[name]).replace("'", "''") + "'" for name in fields)
        lines.append(f"INSERT INTO llama_bench ({', '.join(fields)}) VALUES ({values});")
    return "\n".join(lines) + "\n"


def _markdown(rows: Sequence[Row]) -> str:
    """The columns that llama-bench prints where no option is given."""
    alone = all(row["backends"] == "CPU" for row in rows)
    names = ("model", "size", "params", "backend", *(() if alone else ("ngl",)), "threads", "test",
             "t/s")  # fmt: skip
    lines = [[text for name, text in _columns(row).items() if name in names] for row in rows]
    builds = dict.fromkeys(f"{row['build_commit']} ({row['build_number']})" for row in rows)
    right = {"size", "params", "ngl", "threads", "test", "t/s"}
    return table(names, lines, right) + "".join(f"\nbuild: {build}\n" for build in builds)


def _columns(row: Row) -> dict[str, str]:
    size, count = row["model_size"], row["model_n_params"]
    return {
        "model": row["model_type"],
        "size": f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.2f} MiB",
        "params": f"{count / 1e9:.2f} B" if count >= 1e9 else f"{count / 1e6:.2f} M",
        "backend": row["backends"],
        "ngl": str(row["n_gpu_layers"]),
        "threads": str(row["n_threads"]),
        "test": _test(row),
        "t/s": f"{row['avg_ts']:.2f} ± {row['stddev_ts']:.2f}",
    }


def _test(row: Row) -> str:
    parts = [
        f"{name}{row[field]}" for name, field in (("pp", "n_prompt"), ("tg", "n_gen")) if row[field]
    ]
    return "+".join(parts) + (f" @ d{row['n_depth']}" if row["n_depth"] else "")


def _fields(rows: Sequence[Row]) -> list[str]:
    """The columns of a table: what all rows have, for other versions say more or less."""
    common = set.intersection(*(set(row) for row in rows))
    return [name for name in rows[0] if name in common and name not in SAMPLES]


def _text(value: Any) -> str:
    """As C++ prints it."""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _column(value: Any) -> str:
    if isinstance(value, int):
        return "INTEGER"
    return "REAL" if isinstance(value, float) else "TEXT"


WRITERS: dict[str, Callable[[Sequence[Row]], str]] = {
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "md": _markdown,
    "sql": _sql,
}
