"""Records written out: as JSON that loses nothing, as tables, and as other programs read them."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from runner.bench.exports import benchstat, markdown, table
from runner.bench.llama_bench import rows_of
from runner.bench.llama_bench.writing import WRITERS as LLAMA_BENCH
from runner.bench.llama_bench.writing import write
from runner.bench.plain import to_plain
from runner.bench.record import Record, TaskResult, Test

__all__ = ["FORMS", "exported", "form_of", "has_place", "left_out", "whole"]

TABLES = ("csv", "markdown")


def _measured(record: Record) -> tuple[Test | TaskResult, ...]:
    return (*record.tests, *record.tasks)


PARTS: dict[str, Callable[[Record], Any]] = {
    "samples": lambda one: any(test.samples for test in one.tests),
    "answers": lambda one: any(task.items for task in one.tasks),
    "energy": lambda one: any(some.energy for some in _measured(one)),
    "cost": lambda one: any(some.costs for some in _measured(one)),
    "ceilings": lambda one: any(test.ceiling for test in one.tests),
    "memory": lambda one: one.memory,
    "load times": lambda one: one.load,
    "method": lambda one: one.method,
    "noise": lambda one: one.noise,
    "flags": lambda one: one.flags or any(test.flags for test in one.tests),
    "advice": lambda one: one.advice,
}
"""What a record has beside its figures and what they are of, and how to tell that it does."""

PLACES = {
    "csv": {"flags"},
    "markdown": {"energy", "method", "noise", "flags"},
    "benchstat": {"samples"},
    "llama-bench-json": {"samples"},
    "llama-bench-jsonl": {"samples"},
}
"""Which of them a form that loses some has a place for."""


def whole(values: Sequence[Any]) -> str:
    """Records as JSON, of the values that they were kept as."""
    return json.dumps({"records": values}, indent=2, ensure_ascii=False) + "\n"


FORMS: dict[str, Callable[[Sequence[Record]], str]] = {
    "json": lambda records: whole(to_plain(records)),
    "csv": table.write,
    "markdown": markdown.write,
    "benchstat": benchstat.write,
    **{f"llama-bench-{form}": partial(write, form=form) for form in LLAMA_BENCH},
}
"""What writes each form; those of llama-bench are as its own `-o` prints them."""

ENDINGS = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "benchstat",
    ".sql": "llama-bench-sql",
    ".jsonl": "llama-bench-jsonl",
}


def form_of(path: Path) -> str | None:
    """The form that a file's name asks for; None where it asks for none."""
    return ENDINGS.get(path.suffix.lower())


def exported(records: Sequence[Record], form: str) -> str:
    """The records in this form, as text that ends in a line feed, where there is any. Raises
    KeyError for a form that is none of FORMS."""
    return FORMS[form](records)


def has_place(records: Sequence[Record], form: str) -> bool:
    """Whether anything of these records can be written in the form: answers and refused tests are
    nothing that programs which compare speeds can read."""
    return form in ("json", *TABLES) or bool(rows_of(records))


def left_out(records: Sequence[Record], form: str) -> str:
    """What the form has no place for and these records have, in words; empty for nothing."""
    if form == "json":
        return ""
    has, lost = PLACES.get(form, ()), []
    if form not in TABLES:
        if tasks := sum(len(record.tasks) for record in records):
            lost.append(f"{tasks} task{'s' if tasks > 1 else ''}")
        tests = sum(len(record.tests) for record in records)
        if refused := tests - len(rows_of(records)):
            lost.append(f"{refused} test{'s' if refused > 1 else ''} without a figure")
    lost += [what for what, part in PARTS.items() if what not in has and any(map(part, records))]
    return " and ".join(filter(None, (", ".join(lost[:-1]), *lost[-1:])))
