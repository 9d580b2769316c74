"""From a name to a file on this disk: what ships, what was fetched, what could be."""

import hashlib
from pathlib import Path

import pytest

from runner import models
from runner.catalog import load_catalog
from runner.errors import IntegrityError, ModelNotHere, OfflineError, UnknownModel
from runner.hub import Hub
from tests.loopback import LoopbackHub

REPOSITORY = "someone/Small-Distill-GGUF"


def silent(name: str, done: int, total: int) -> None:
    """No progress wanted."""


@pytest.fixture
def published(loopback_hub: LoopbackHub, tiny_path: Path) -> LoopbackHub:
    """A repository that holds the shipped model in one quantization and something else."""
    model = tiny_path.read_bytes()
    files = {"small-Q8_0.gguf": model, "small-F16.gguf": b"GGUF" + bytes(64), "README.md": b"#"}
    loopback_hub.add(REPOSITORY, files)
    return loopback_hub


def test_without_a_name_the_shipped_model_is_used() -> None:
    located = models.locate(None)
    assert located.path.is_file()
    assert located.entry is load_catalog().shipped
    assert located.quantization == "Q8_0"


def test_a_catalogue_model_that_is_not_here_is_offered_with_its_size() -> None:
    entry = next(e for e in load_catalog().entries if e.quantizations and e.quantization().bytes)
    with pytest.raises(ModelNotHere) as caught:
        models.locate(entry.name)
    offer = caught.value.offer
    assert (offer.name, offer.bytes) == (entry.name, entry.quantization().bytes)
    assert f"runner pull {entry.name}" in caught.value.remedy


def test_a_misspelt_name_gives_the_nearest() -> None:
    entry = next(e for e in load_catalog().entries if e.quantizations)
    with pytest.raises(UnknownModel) as caught:
        models.locate(entry.name.replace("e", "a", 1))
    assert entry.name in caught.value.remedy


def test_a_path_runs_in_place(tiny_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine.gguf"
    copy.write_bytes(tiny_path.read_bytes())
    assert models.locate(str(copy)).path == copy
    with pytest.raises(UnknownModel, match="there is no file"):
        models.locate(str(tmp_path / "absent.gguf"))


def test_pull_then_locate_then_remove(published: LoopbackHub, tiny_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    name = f"{REPOSITORY}:Q8_0"
    with pytest.raises(ModelNotHere):
        models.locate(name)
    pulled = models.pull(name, hub=Hub(), progress=lambda *step: seen.append(step))
    size = tiny_path.stat().st_size
    assert seen[-1] == ("small-Q8_0.gguf", size, size)
    assert pulled.path.read_bytes() == tiny_path.read_bytes()
    assert pulled.record is not None
    assert pulled.record.sha256 == hashlib.sha256(tiny_path.read_bytes()).hexdigest()

    assert models.locate(name).path == pulled.path
    assert models.locate(REPOSITORY).path == pulled.path
    assert models.locate(None).path == pulled.path
    assert pulled.path in [located.path for located in models.here()]

    ((removed, freed),) = models.remove(name)
    assert removed == pulled.path
    assert freed > size  # its record went with it
    assert not pulled.path.exists()
    assert models.locate(None).entry is load_catalog().shipped


def test_a_second_pull_transfers_nothing(published: LoopbackHub) -> None:
    models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    transfers = len(published.seen("cdn"))
    models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    assert len(published.seen("cdn")) == transfers


def test_a_file_other_than_the_catalogue_knows_is_not_taken(loopback_hub: LoopbackHub) -> None:
    entry, known = next((e, q) for e in load_catalog().entries for q in e.quantizations if q.sha256)
    loopback_hub.add(known.repository, {known.file: b"GGUF, but another one"})
    with pytest.raises(IntegrityError, match="not the file the catalogue knows"):
        models.pull(f"{entry.name}:{known.name}", hub=Hub(), progress=silent)
    assert not models.here()[1:]


def test_offline_pulls_nothing(published: LoopbackHub) -> None:
    with pytest.raises(OfflineError):
        models.pull(REPOSITORY, hub=Hub(offline=True), progress=silent)
    assert not published.requests


def test_offline_a_model_that_is_here_is_found_without_a_connection(
    published: LoopbackHub,
) -> None:
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    asked = len(published.requests)
    again = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(offline=True), progress=silent)
    assert again.path == pulled.path
    assert len(published.requests) == asked


def test_the_shipped_model_is_not_removed() -> None:
    with pytest.raises(UnknownModel, match="comes with Runner"):
        models.remove("tiny")
    assert models.shipped().path.is_file()


def test_a_file_of_someone_else_is_not_removed(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(tiny_path.read_bytes())
    with pytest.raises(UnknownModel, match="not fetched by Runner"):
        models.remove(str(path))
    assert path.is_file()


def test_a_suggestion_fits_the_free_memory() -> None:
    from runner import machine

    entry = models.suggestion()
    assert entry is not None
    assert (entry.quantization().bytes or 0) < machine.memory().available
