"""Lock files: written for people, read strictly, and fetched bit by bit or not at all."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import models
from runner.errors import ConfigurationError, IntegrityError, OfflineError, UnknownModel
from runner.hub import Hub
from runner.library import Library, Record, StoredFile
from runner.models.lock import Locked, export, pull_locked, read_lock, write_lock
from tests.library.conftest import home as home
from tests.library.making import NOON
from tests.loopback import LoopbackHub

REPOSITORY = "someone/Small-Distill-GGUF"
PARTS = {f"Q4_0/m-0000{number}-of-00002.gguf": b"GGUF%d" % number for number in (1, 2)}


def silent(*_: object) -> None:
    """No progress wanted."""


def pull(name: str = REPOSITORY) -> Record:
    located = models.pull(name, hub=Hub(), progress=silent)
    assert located.record is not None
    return located.record


def fetch(model: Locked, **about: Any) -> models.Located:
    return pull_locked(model, hub=Hub(**about), progress=silent)


@pytest.fixture
def lock(loopback_hub: LoopbackHub, tmp_path: Path) -> Path:
    """The lock of a split model that was fetched and is gone again."""
    loopback_hub.add(REPOSITORY, PARTS)
    record = pull()
    path = tmp_path / "models.lock"
    write_lock(path, [record])
    Library().remove(record)
    loopback_hub.requests.clear()
    return path


def test_a_lock_is_for_people(lock: Path, loopback_hub: LoopbackHub) -> None:
    text = lock.read_text()
    assert text.startswith("# Models as they were on one machine.")
    (model,) = tomllib.loads(text)["model"]
    assert model["repository"] == REPOSITORY
    assert model["commit"] == loopback_hub.repositories[REPOSITORY].commit
    assert [file["file"] for file in model["file"]] == list(PARTS)
    assert "pieces" not in text and str(lock.parent) not in text


def test_another_machine_gets_the_same_bits(lock: Path, loopback_hub: LoopbackHub) -> None:
    (model,) = read_lock(lock)
    located = fetch(model)
    assert [path.read_bytes() for path in located.paths] == list(PARTS.values())
    loopback_hub.requests.clear()
    assert fetch(model, offline=True) == located
    assert loopback_hub.requests == [], "what is here needs no connection"


def test_without_a_network_and_the_files(lock: Path) -> None:
    (model,) = read_lock(lock)
    with pytest.raises(OfflineError):
        fetch(model, offline=True)


def test_something_else_at_the_commit_is_refused(lock: Path, loopback_hub: LoopbackHub) -> None:
    (model,) = read_lock(lock)
    commit = loopback_hub.repositories[REPOSITORY].commit
    loopback_hub.add(REPOSITORY, {name: data + b"!" for name, data in PARTS.items()})
    loopback_hub.repositories[REPOSITORY].commit = commit
    with pytest.raises(IntegrityError, match="is not what is locked"):
        fetch(model)
    assert loopback_hub.seen("cdn") == []
    assert Library().records() == []


def test_a_commit_that_is_gone_is_refused(lock: Path, loopback_hub: LoopbackHub) -> None:
    (model,) = read_lock(lock)
    loopback_hub.add(REPOSITORY, {**PARTS, "README.md": b"later"})
    with pytest.raises((UnknownModel, IntegrityError)):
        fetch(model)
    assert loopback_hub.seen("cdn") == []


def test_a_lock_cannot_take_a_name_of_the_catalogue(lock: Path) -> None:
    lock.write_text(lock.read_text().replace(f'name = "hf.co/{REPOSITORY}"', 'name = "tiny"'))
    (model,) = read_lock(lock)
    assert model.name == "tiny"
    assert fetch(model).name == f"hf.co/{REPOSITORY}"


def test_a_model_made_here_cannot_be_locked(tmp_path: Path) -> None:
    stored = StoredFile(tmp_path / "m.gguf", "", 1, "0" * 64)
    made = Record("mine", "", "", None, (stored,), NOON, made_from="tiny")
    with pytest.raises(UnknownModel, match="made on this machine"):
        export([made])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("version = 1", "version = 2"), "version is not 1"),
        (("version = 1", ""), "version is not 1"),
        (("version = 1", "version = 1\nextra = 1"), "unknown key extra"),
        (("[[model]]", "[model"), "models.lock: "),
        (("[[model.file]]", "[[model.other]]"), "no \\[\\[model.file\\]\\]"),
        (("commit =", "revision ="), "unknown key 'revision'"),
        (('commit = "', 'commit = "x'), "not 40 hexadecimal digits"),
        (('sha256 = "', 'sha256 = "x'), "not 64 hexadecimal digits"),
        (("bytes = 5", "bytes = -5"), "is negative"),
        (('file = "Q4_0', 'file = "../../Q4_0'), "leaves its folder"),
        (('repository = "someone', 'repository = "../someone'), "leaves its folder"),
    ],
)
def test_a_lock_that_makes_no_sense(lock: Path, change: tuple[str, str], reason: str) -> None:
    text = lock.read_text()
    assert change[0] in text
    lock.write_text(text.replace(*change))
    with pytest.raises(ConfigurationError, match=reason):
        read_lock(lock)


def test_a_lock_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_lock(tmp_path / "absent.lock")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(name=NAMES, licence=st.none() | NAMES, size=st.integers(0, 2**50))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, licence: str | None, size: int
) -> None:
    stored = StoredFile(Path("m.gguf"), "sub/m.gguf", size, "a" * 64)
    record = Record(name, "org/m", "b" * 40, "Q4_0", (stored,), NOON, licence=licence)
    path = tmp_path_factory.mktemp("locks") / "m.lock"
    write_lock(path, [record, record])
    first, second = read_lock(path)
    assert first == second
    assert (first.name, first.licence) == (name, licence)
    assert (first.files[0].bytes, first.quantization) == (size, "Q4_0")
