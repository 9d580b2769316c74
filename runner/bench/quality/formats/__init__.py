"""Readers of the files that tasks come in, one for each format: each says None of a file that is
not its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from runner.bench.quality.formats import (
    harness,
    hellaswag,
    json_lines,
    own,
    plain_text,
    questions,
    table,
    winogrande,
)
from runner.bench.quality.task import Choice, Question, Task

Put = TypeVar("Put", Choice, Question)

READERS = (
    own.read,
    questions.read,
    hellaswag.read,
    winogrande.read,
    harness.read,
    table.read,
    json_lines.read,
    plain_text.read,
)
"""In the order in which they are asked: the first that knows a file reads it."""


def read(path: Path, data: bytes) -> Task | None:
    """The task in the bytes of a file; None where no reader knows it. `sha256` is empty, but for a
    task that is in more files than this. Raises BadDocument or ConfigurationError, with the line,
    where a file is known and malformed."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    found = (reader(path, text) for reader in READERS)
    task = next((task for task in found if task is not None), None)
    return task and replace(
        task,
        choices=tuple(_named_apart(task.choices)),
        questions=tuple(_named_apart(task.questions)),
    )


def _named_apart(asked: tuple[Put, ...]) -> Iterator[Put]:
    """What was answered is kept by name, so two questions must not share one."""
    names = set[str]()
    for number, one in enumerate(asked, 1):
        name = one.id if one.id not in names else f"{one.id} ({number})"
        names.add(name)
        yield replace(one, id=name)
