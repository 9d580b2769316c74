"""The record of a fetched model: a JSON file beside it that a person can read."""

import json
import os
from dataclasses import dataclass, fields
from datetime import datetime
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any

from runner.errors import DiskError, UnknownModel
from runner.library.names import safe_path

FORMAT = 1
ENDING = ".json"


@dataclass(frozen=True, slots=True)
class Part:
    """A further file of a model that is split into several, in the folder of the first."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """A fetched model: where from, at which commit, and where it lies on this disk.

    `name` is what it goes by, `file` its path in the repository; `bytes` and `sha256` are of that
    file, and `parts` are the others of a split model. Times carry a zone.
    """

    name: str
    repository: str
    commit: str
    file: str
    quantization: str | None
    bytes: int
    sha256: str
    fetched_at: datetime
    used_at: datetime | None
    path: Path
    parts: tuple[Part, ...] = ()

    @property
    def total_bytes(self) -> int:
        """Bytes of all its files together."""
        return self.bytes + sum(part.bytes for part in self.parts)

    @property
    def files(self) -> tuple[tuple[Path, int], ...]:
        """Where each of its files lies, and its size in bytes."""
        others = ((self.path.with_name(_name(part.file)), part.bytes) for part in self.parts)
        return ((self.path, self.bytes), *others)

    @property
    def last_used(self) -> datetime:
        """When it was used last, or fetched, if never used."""
        return self.used_at or self.fetched_at


class DamagedRecord(Exception):
    """A record that cannot be read; the message says why."""


def place(path: Path) -> Path:
    """Where the record of the model file at `path` lies."""
    return path.with_name(path.name + ENDING)


def beginnings(path: Path) -> list[Path]:
    """Records of the model at `path` that a killed process had begun to write."""
    return list(path.parent.glob(f".{escape(place(path).name)}.*"))


def write(record: Record) -> None:
    """Write a record beside its model, whole or not at all. Raises DiskError."""
    content = {"format": FORMAT} | {
        field.name: _plain(getattr(record, field.name))
        for field in fields(record)
        if field.name != "path"  # it is where the record lies
    }
    target = place(record.path)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")  # see beginnings()
    try:
        with fresh.open("w", encoding="utf-8", newline="\n") as stream:
            json.dump(content, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise DiskError(f"{target}: {error.strerror or error}") from error


def read(path: Path) -> Record:
    """The record that lies at `path`. Raises DamagedRecord."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DamagedRecord(error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise DamagedRecord("it is not JSON") from error
    try:
        return _record(content, path.with_name(path.name.removesuffix(ENDING)))
    except UnknownModel as error:
        raise DamagedRecord(error.message) from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DamagedRecord(f"it is not a record of a model ({_fault(error)})") from error


def _record(content: dict[str, Any], path: Path) -> Record:
    if content["format"] > FORMAT:
        raise DamagedRecord("a later version of Runner wrote it")
    record = Record(
        name=_text(content["name"]),
        repository=_text(content["repository"]),
        commit=_text(content["commit"]),
        file=_text(content["file"]),
        quantization=None if content["quantization"] is None else _text(content["quantization"]),
        bytes=_count(content["bytes"]),
        sha256=_text(content["sha256"]),
        fetched_at=_time(content["fetched_at"]),
        used_at=None if content["used_at"] is None else _time(content["used_at"]),
        path=path,
        parts=tuple(
            Part(_text(part["file"]), _count(part["bytes"]), _text(part["sha256"]))
            for part in content["parts"]
        ),
    )
    for file in (record.file, *(part.file for part in record.parts)):
        safe_path(record.repository, file)
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [{field.name: getattr(part, field.name) for field in fields(part)} for part in value]
    return value


def _name(file: str) -> str:
    return PurePosixPath(file).name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} should be a number of bytes")
    return value


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return time


def _fault(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
