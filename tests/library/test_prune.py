"""What `runner prune` drops, and what it leaves: files of others, and what is in use."""

from pathlib import Path

import pytest
from filelock import FileLock

from runner.library import Library, old_folder, uses
from runner.library.prune import Leftover, drop, leftovers
from runner.paths import cache_directory
from tests.library.making import COMMIT, REPOSITORY, put, store
from tests.library.test_library import unfinished


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


def pruned(library: Library) -> list[Leftover]:
    """What was dropped; afterwards there is nothing more to drop."""
    found = leftovers(library)
    assert drop(library, found) == sum(one.bytes for one in found)
    assert leftovers(library) == []
    return found


def test_nothing_to_prune(library: Library) -> None:
    record = put(library)
    assert leftovers(library) == []
    assert library.records() == [record]


def test_an_unfinished_fetch(library: Library) -> None:
    unfinished(library)
    found = pruned(library)
    assert {one.reason for one in found} == {"unfinished fetch"}
    assert sum(one.bytes for one in found) == 100 + 2 * 40
    assert not list(library.root.iterdir())
    assert library.claimed() == []


def test_a_fetch_that_is_running_is_left_alone(library: Library) -> None:
    part = unfinished(library)
    with FileLock(part.with_name(part.name + ".lock")):
        assert leftovers(library) == []
        drop(library, [])
        assert len(library.partials()) == 1, "what is being fetched is still claimed"


def test_an_unfinished_fetch_in_the_old_folder(library: Library) -> None:
    part = old_folder() / "org" / "repo" / "m.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(7))
    (part.parent / "m.gguf.part.json").write_text("{}")
    assert [one.path.name for one in pruned(library)] == ["m.gguf.part", "m.gguf.part.json"]


def test_a_blob_that_runner_fetched_and_no_snapshot_uses(library: Library) -> None:
    stored = store(library, bytes(50))
    stored.path.unlink()
    (one,) = pruned(library)
    assert (one.path, one.bytes) == (library.blob_for(REPOSITORY, stored.sha256), 50)


def test_a_link_to_a_blob_that_is_gone(library: Library) -> None:
    record = put(library)
    library.blob_for(REPOSITORY, record.sha256).unlink()
    assert {one.reason for one in pruned(library)} == {
        "link to a blob that is gone",
        "record of model:1b, which is gone",
    }
    assert not record.path.is_symlink() and library.recorded() == []


def test_records_of_a_disk_that_is_not_plugged_in_stay(library: Library, tmp_path: Path) -> None:
    put(library)
    claimed = library.claimed()
    library.root.rename(tmp_path / "unplugged")
    assert leftovers(library) == []
    assert drop(library, []) == 0
    assert library.claimed() == claimed != []


def test_a_record_of_a_model_that_lacks_a_part(library: Library) -> None:
    names = [f"m-0000{number}-of-00002.gguf" for number in (1, 2)]
    parts = tuple(store(library, name.encode(), name) for name in names)
    put(library, files=parts)
    parts[1].path.unlink()
    reasons = [one.reason for one in pruned(library)]
    assert "record of model:1b, which is gone" in reasons
    assert library.recorded() == [] and parts[0].path.exists()


def test_headers_and_notes_of_dead_processes(library: Library) -> None:
    header = cache_directory() / "headers" / "abc" / "model.gguf"
    header.parent.mkdir(parents=True)
    with header.open("wb") as stream:
        stream.write(bytes(4096))
        stream.truncate(10**9)  # sparse: what it takes counts, not its length
    uses.folder().mkdir(parents=True)
    (uses.folder() / "1-1.json").write_text("{}")
    found = pruned(library)
    assert [one.path.name for one in found] == ["model.gguf", "1-1.json"]
    assert not header.parent.exists()


@pytest.mark.parametrize(
    "name",
    [
        "0" * 64,
        "0" * 64 + ".1234abcd.incomplete",
        "0" * 64 + ".downloadInProgress",
        "0" * 64 + ".part",
    ],
)
def test_files_of_other_programs_stay(library: Library, name: str) -> None:
    folder = library.cache.folder(REPOSITORY)
    for path in (folder / "blobs" / name, folder / "snapshots" / COMMIT / "config.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(10))
    (folder / "snapshots" / COMMIT / "broken.gguf").symlink_to("../../blobs/gone")
    unfinished(library)
    before = everything(library.root)
    gone = {one.path for one in pruned(library)}
    assert everything(library.root) == before - gone
    assert {path.name.partition(".")[0] for path in gone} == {"b" * 64}
