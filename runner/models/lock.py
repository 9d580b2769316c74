"""Lock files: models pinned so exactly that another machine gets the same bits, or none.

A lock file is TOML that a person can read and keep under version control:

    version = 1

    [[model]]
    name = "deepseek-r1-distill-qwen:1.5b"
    repository = "org/name-GGUF"
    commit = "…"                      # 40 hexadecimal digits
    quantization = "Q4_K_M"
    licence = "mit"

    [[model.file]]
    file = "name-Q4_K_M.gguf"         # its path in the repository
    bytes = 1117320576
    sha256 = "…"                      # 64 hexadecimal digits
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.catalog import load_catalog
from runner.errors import ConfigurationError, IntegrityError, UnknownModel
from runner.library import Library, Record, safe_path
from runner.library.cache import COMMIT, SHA256
from runner.models.bring import FetchProgress, Wanted, bring, nothing
from runner.models.find import Located, located_record
from runner.tables import build, require
from runner.whole import write_whole

if TYPE_CHECKING:
    from runner.hub import Hub

VERSION = 1
HEAD = """\
# Models as they were on one machine. `runner pull --from` this file fetches the same bits on
# another, or fails.
"""


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file of a model: its path in the repository, its size and its sha256."""

    file: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        require(SHA256.fullmatch(self.sha256), "sha256 is not 64 hexadecimal digits")


@dataclass(frozen=True, slots=True)
class Locked:
    """A model at a commit of a repository; `files` are its parts in order."""

    name: str
    repository: str
    commit: str
    quantization: str | None = None
    licence: str | None = None
    files: tuple[LockedFile, ...] = ()

    def __post_init__(self) -> None:
        require(COMMIT.fullmatch(self.commit), "commit is not 40 hexadecimal digits")


def export(records: Sequence[Record]) -> str:
    """The text of a lock file. Raises UnknownModel for a model that is not from the Hub."""
    return HEAD + f"\nversion = {VERSION}\n" + "".join(map(_table, records))


def _table(record: Record) -> str:
    if not record.repository:
        raise UnknownModel(
            f"{record.name} was made on this machine, and no other can fetch it",
            remedy="Name the models to export, without this one.",
        )
    about = {
        "name": record.name,
        "repository": record.repository,
        "commit": record.commit,
        "quantization": record.quantization,
        "licence": record.licence,
    }
    text = "\n[[model]]\n" + _lines(about)
    for file in record.files:
        one = {"file": file.file, "bytes": file.bytes, "sha256": file.sha256}
        text += "\n[[model.file]]\n" + _lines(one)
    return text


def _lines(table: dict[str, Any]) -> str:
    # A string in JSON is one in TOML too, but for DEL, which JSON may hold as it is.
    values = {key: json.dumps(value, ensure_ascii=False) for key, value in table.items()}
    lines = (f"{key} = {text}\n" for key, text in values.items() if table[key] is not None)
    return "".join(lines).replace("\x7f", "\\u007f")


def write_lock(path: Path, records: Sequence[Record]) -> None:
    """Write a lock file, whole or not at all. Raises UnknownModel, DiskError."""
    write_whole(path, export(records))


def read_lock(path: Path) -> tuple[Locked, ...]:
    """The models of a lock file. Raises ConfigurationError, naming the file and what is wrong."""
    import tomllib

    try:
        return tuple(_models(tomllib.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{path}: {error}", remedy="`runner export` writes a file that can be read."
        ) from error
    except UnknownModel as error:
        raise ConfigurationError(f"{path}: {error.message}") from error


def _models(document: dict[str, Any]) -> Iterator[Locked]:
    """Raises ValueError saying what is wrong, and UnknownModel for an unsafe name."""
    require(document.get("version") == VERSION, f"version is not {VERSION}")
    unknown = document.keys() - {"version", "model"}
    require(not unknown, f"unknown key {', '.join(sorted(unknown))}")
    models = document.get("model", [])
    require(isinstance(models, list), "model: not [[model]] tables")
    for number, table in enumerate(models, 1):
        where = f"model {number}"
        require(isinstance(table, dict), f"{where}: not a table")
        require("files" not in table, f"{where}: unknown key 'files'")
        files = table.get("file", [])
        fine = isinstance(files, list) and all(isinstance(file, dict) for file in files)
        require(files and fine, f"{where}: no [[model.file]]")
        locked = tuple(build(LockedFile, file, f"{where}, file") for file in files)
        about = {key: value for key, value in table.items() if key != "file"}
        model = build(Locked, about, where)
        for file in locked:
            safe_path(model.repository, file.file)
        yield Locked(
            model.name, model.repository, model.commit, model.quantization, model.licence, locked
        )


def pull_locked(
    model: Locked,
    *,
    hub: "Hub",
    progress: FetchProgress,
    checking: FetchProgress = nothing,
    folders: Sequence[str] = (),
) -> Located:
    """Have a locked model on this disk, bit by bit.

    Raises IntegrityError where the Hub publishes something else at its commit, what `hub` raises,
    and DiskError.
    """
    content = [(file.file, file.sha256) for file in model.files]
    for record in Library().records():
        same = (record.repository, record.commit) == (model.repository, model.commit)
        if same and [(file.file, file.sha256) for file in record.files] == content:
            hub.remark(f"{model.name} is already here: {record.path}")
            return located_record(record)
    listing = hub.listing(model.repository, model.commit)
    if listing.commit != model.commit:
        raise IntegrityError(
            f"{model.repository} answers with commit {listing.commit[:12]}…, where "
            f"{model.commit[:12]}… is locked"
        )
    files = [listing.file(file.file) for file in model.files]
    for remote, file in zip(files, model.files, strict=True):
        if (remote.sha256, remote.bytes) != (file.sha256, file.bytes):
            raise IntegrityError(
                f"{file.file} in {model.repository} is not what is locked: its sha256 is "
                f"{str(remote.sha256)[:12]}…, the lock's {file.sha256[:12]}…",
                remedy="Whoever wrote the lock file had another file; ask for it, or lock anew.",
            )
    wanted = Wanted(_name(model), model.quantization, listing, files, None, model.licence)
    return bring(wanted, hub=hub, progress=progress, checking=checking, folders=folders)


def _name(model: Locked) -> str:
    """The model's name; its repository's where the catalogue has that name for something else."""
    entry = load_catalog().find(model.name)
    published = {known.repository for known in entry.quantizations} if entry else set()
    return model.name if model.repository in published else f"hf.co/{model.repository}"
