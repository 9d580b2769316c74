"""The rows of a task of lm-evaluation-harness, from files beside it."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from runner.bench.quality.formats.comma_separated import rows_of as comma_separated
from runner.bench.quality.formats.questions import rows_of as json_rows
from runner.errors import BadDocument, ConfigurationError

KINDS = ("json", "csv", "text")
SPLITS = ("test_split", "validation_split")
CONVERT = (
    "Make lines of JSON of it, as with Python's pandas: "
    "pandas.read_parquet('FILE').to_json('FILE.jsonl', orient='records', lines=True)."
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Data:
    """Rows with their lines, the names of the files, and a digest of those files' bytes."""

    rows: tuple[tuple[int, Row], ...]
    files: tuple[str, ...]
    digest: bytes

    def beside(self, *more: bytes) -> "Data":
        """The same rows, with a digest of what else decides the questions."""
        digest = sha256(self.digest)
        for one in more:
            digest.update(sha256(one).digest())
        return replace(self, digest=digest.digest())


def data_of(path: Path, asked: Mapping[str, Any], split: str | None = None) -> Data:
    """The rows of a split of the data of `path`, whose content is `asked`: of the one that it tests
    on where none is named. Raises ConfigurationError for data that is not here, BadDocument for
    files that cannot be read."""
    kind = asked.get("dataset_path")
    arguments = asked.get("dataset_kwargs")
    files = arguments.get("data_files") if isinstance(arguments, dict) else None
    if kind == "parquet":
        raise ConfigurationError(
            f"{path.name}: its rows are in Parquet files, which are not read here", remedy=CONVERT
        )
    if kind not in KINDS or not files:
        raise ConfigurationError(
            f"{path.name}: its rows are those of the data set {kind!r}, which is not here",
            remedy="Fetch its file, and name it: `dataset_path: json` (or csv, text) and "
            "`dataset_kwargs: {data_files: FILE}`, from the folder of this file.",
        )
    digest, rows, names = sha256(), list[tuple[int, Row]](), _names(path, asked, files, split)
    for name in names:
        data = _bytes(path, name)
        digest.update(sha256(data).digest())
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadDocument(f"{name} is no text in UTF-8") from error
        start = len(rows)  # lines of several files follow each other, as the names of questions
        rows += [(start + line, row) for line, row in _rows(kind, Path(name), text)]
    if not rows:
        raise BadDocument(f"{', '.join(names)} has no rows")
    return Data(tuple(rows), names, digest.digest())


def _names(path: Path, asked: Mapping[str, Any], files: Any, split: str | None) -> tuple[str, ...]:
    if isinstance(files, dict):
        what = "test_split" if split is None else "the split of its examples"
        if split is None:
            split = next((asked[key] for key in SPLITS if asked.get(key)), None)
        if split not in files:
            raise ConfigurationError(
                f"{path.name}: {what} is {split!r}, and data_files has {', '.join(files)}"
            )
        files = files[split]
    names = files if isinstance(files, list) else [files]
    if not all(isinstance(name, str) and "://" not in name for name in names):
        raise ConfigurationError(
            f"{path.name}: its data_files are not files here",
            remedy="Fetch them, and name them by a path from the folder of this file.",
        )
    return tuple(names)


def _bytes(path: Path, name: str) -> bytes:
    try:
        return (path.parent / name).read_bytes()
    except (OSError, ValueError) as error:
        raise BadDocument(f"{name}, the data of {path.name}, cannot be read: {error}") from error


def _rows(kind: str, path: Path, text: str) -> Iterator[tuple[int, Row]]:
    if kind == "json":
        rows = json_rows(path, text)
        if rows is None:
            raise BadDocument(f"{path.name} is neither lines of JSON objects nor a JSON list")
        yield from rows
    elif kind == "text":
        yield from ((n, {"text": line}) for n, line in enumerate(text.splitlines(), 1))
    else:
        _, *rows_after = comma_separated(path, text) or [(0, [])]
        names = next(csv.reader(io.StringIO(text, newline="")), [])
        for line, row in rows_after:
            if len(row) != len(names):
                raise BadDocument(f"{path.name}, line {line} has {len(row)} of {len(names)} fields")
            yield line, {name: _value(field) for name, field in zip(names, row, strict=True)}


def _value(field: str) -> str | int:
    """Whole numbers are numbers to a template, as the harness's reader gives them."""
    digits = field.removeprefix("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 19
    return int(field) if is_number and str(int(field)) == field else field
