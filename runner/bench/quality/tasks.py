"""Where tasks are found: among those that ship, in a file or a folder, or in a data set on the Hub.

A shipped task goes by its file's name in `models/tasks` (`arithmetic`), and one that belongs to a
shipped model by that model's too (`tiny/add`; `tiny` means all of them).
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bench.quality import formats
from runner.bench.quality.formats import harness
from runner.bench.quality.formats.harness_data import CONVERT
from runner.bench.quality.task import Task
from runner.catalog import models_directory
from runner.errors import BadDocument, UnknownTask
from runner.models import Located

if TYPE_CHECKING:
    from runner.hub import Hub

FOLDER = "tasks"
SUFFIXES = (".jsonl", ".json", ".csv", ".yaml", ".yml", ".txt", ".raw", ".md")
PAGE = ".md"
PARQUET = b"PAR1"
HUB = tuple(
    f"{scheme}{host}/datasets/"
    for scheme in ("", "https://", "http://")
    for host in ("hf.co", "huggingface.co")
)


def shipped() -> dict[str, Path]:
    """The files of the tasks that ship, by their names."""
    root = models_directory()
    found = {}
    for path in sorted([*root.glob(f"{FOLDER}/*.jsonl"), *root.glob(f"*/{FOLDER}/*.jsonl")]):
        owner = path.parent.parent
        found[path.stem if owner == root else f"{owner.name}/{path.stem}"] = path
    return found


def own_of(located: Located) -> str:
    """What to ask a model where nobody says: a shipped one its own tasks, others the general ones
    that ship ("")."""
    folder = located.path.parent
    return folder.name if located.is_shipped and (folder / FOLDER).is_dir() else ""


def find(text: str, *, hub: "Callable[[], Hub] | None" = None) -> tuple[Task, ...]:
    """The tasks that a text means: a name, a folder's or model's name for all in it ("" for the
    general ones), a path, or `hf.co/datasets/OWNER/NAME/FILE[@COMMIT]`, which `hub` fetches.

    Raises UnknownTask, BadDocument, ConfigurationError, and what fetching raises.
    """
    if text.startswith(HUB):
        return (_remote(text, hub),)
    known = shipped()
    if text in known:
        return (read(known[text], name=text, source=text),)
    prefix = f"{text}/" if text else ""
    inside = [one for one in known if one.startswith(prefix) and "/" not in one[len(prefix) :]]
    path = Path(text).expanduser()
    if inside and not path.is_file():
        return tuple(read(known[one], name=one, source=one) for one in inside)
    if path.is_dir():
        files = _files(path)
        if files:
            return tuple(map(read, files))
    if not path.is_file():
        raise _unknown(text, known)
    return (read(path),)


def _files(folder: Path) -> list[Path]:
    """Those in a folder that are tasks of their own: no page about it, and nothing that another of
    them includes or has its rows in."""
    found = [one for one in sorted(folder.iterdir()) if one.suffix.lower() in SUFFIXES]
    parts = {part for one in found for part in harness.parts_of(one)}
    return [one for one in found if one.suffix.lower() != PAGE and one.resolve() not in parts]


def read(path: Path, *, name: str = "", source: str = "") -> Task:
    """The task in a file. Raises BadDocument for a file that is none that is known here, and
    ConfigurationError for what a task asks and cannot be."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadDocument(f"{path} cannot be read: {error.strerror}") from error
    task = _read(path, data)
    digest = task.sha256 or sha256(data).hexdigest()
    return replace(task, name=name or task.name, source=source or path.name, sha256=digest)


def _read(path: Path, data: bytes) -> Task:
    task = formats.read(path, data)
    if task is None and data[:4] == PARQUET:
        raise BadDocument(f"{path.name} is a Parquet file, which is not read here", remedy=CONVERT)
    if task is None:
        raise BadDocument(
            f"{path.name} is no task in a format that is known here",
            remedy="`runner eval --help` names the formats.",
        )
    return task


def _remote(text: str, hub: "Callable[[], Hub] | None") -> Task:
    from runner.hub.datasets import parse

    if hub is None:
        raise _unknown(text, {})
    fetched = hub().dataset_file(parse(text))
    task = read(fetched.path, source=fetched.reference)
    return replace(task, licence=task.licence or fetched.licence)


def _unknown(text: str, known: dict[str, Path]) -> UnknownTask:
    from difflib import get_close_matches

    near = get_close_matches(text, known, n=3)
    groups = sorted({one.partition("/")[0] for one in known})
    return UnknownTask(
        f"there is no task and no file {text}",
        remedy=f"Did you mean {' or '.join(near)}?"
        if near
        else f"Tasks that ship are {', '.join(groups)}; others are read from a path.",
    )
