"""The record of models: kept, read back, in order of use, and of no harm where it is damaged."""

import multiprocessing
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import DiskError
from runner.journal import Journal
from runner.library import Library, StoredFile
from runner.library.database import MIGRATIONS
from runner.pieces import Pieces
from tests.library.making import COMMIT, NOON, REPOSITORY, pieces_of, put, store


def test_the_default_library_is_where_it_always_is(isolated: Path) -> None:
    library = Library()
    assert library.root == isolated / "huggingface" / "hub"
    assert library.database.path == isolated / "data" / "library.db"


def test_an_empty_or_absent_library(library: Library) -> None:
    assert (library.records(), library.problems(), library.partials()) == ([], [], [])
    assert library.last_used() is None
    assert not library.database.path.exists(), "reading makes nothing"


def test_a_record_comes_back_as_it_was(library: Library) -> None:
    record = put(
        library,
        used_at=NOON + timedelta(days=1),
        context=4096,
        licence="mit",
        licence_link="https://example.org/licence",
        expected_sha256="e" * 64,
        adopted=True,
    )
    assert library.records() == [record]
    assert library.problems() == []
    assert record.total_bytes == 10


def test_a_model_made_here_lies_anywhere(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "smaller.gguf"
    path.write_bytes(bytes(7))
    stored = StoredFile(path, "", 7, "1" * 64)
    record = put(library, files=(stored,), made_from="model:1b, by llama-quantize Q4_0")
    record = replace(record, repository="", commit="")
    library.add(record)
    assert library.records() == [record]
    assert library.remove(record) == 7
    assert not path.exists() and tmp_path.exists()


def test_a_cache_can_be_moved(library: Library, tmp_path: Path) -> None:
    record = put(library)
    library.root.rename(tmp_path / "elsewhere")
    moved = Library(tmp_path / "elsewhere")
    (found,) = moved.records()
    assert found.path == tmp_path / "elsewhere" / record.path.relative_to(library.root)
    assert found.path.read_bytes() == bytes(10)


def test_a_split_model_is_one_record(library: Library) -> None:
    files = tuple(
        store(library, bytes([number]) * 7, f"Q8_0/m-0000{number}-of-00002.gguf")
        for number in (1, 2)
    )
    record = put(library, files=files)
    assert library.records() == [record]
    assert record.total_bytes == 14
    assert record.path == files[0].path
    assert library.remove(record) == 14
    assert not list(library.root.iterdir())


# Which was used last


def test_the_order_of_use(library: Library) -> None:
    old = put(library, "old", b"old", file="old.gguf")
    new = put(library, "new", b"new", file="new.gguf", fetched_at=NOON + timedelta(hours=1))
    assert library.last_used() == new
    used = library.touch(old)
    assert used.used_at is not None and used.used_at > NOON
    assert library.last_used() == used
    again = library.touch(new)
    assert library.last_used() == again


def test_fetched_again_a_model_has_one_record(library: Library) -> None:
    put(library)
    again = put(library, fetched_at=NOON + timedelta(days=1))
    assert library.records() == [again]


def test_touching_a_removed_model_does_not_bring_it_back(library: Library) -> None:
    record = put(library)
    library.remove(record)
    library.touch(record)
    assert library.recorded() == []


# Pieces


@given(data=st.binary(min_size=1, max_size=300), size=st.integers(1, 100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_pieces_come_back(library: Library, data: bytes, size: int) -> None:
    pieces = pieces_of(data, size)
    library.keep_pieces("a" * 64, pieces)
    assert library.pieces("a" * 64) == pieces


def test_pieces_are_kept_with_the_record(library: Library) -> None:
    pieces = pieces_of(bytes(10), 4)
    stored = replace(store(library), pieces=pieces)
    put(library, files=(stored,))
    assert library.pieces(stored.sha256) == pieces
    assert library.pieces("b" * 64) is None
    library.keep_pieces("b" * 64, Pieces(1, ()))
    with closing(sqlite3.connect(library.database.path)) as connection:
        connection.execute("UPDATE pieces SET digests = 'short'")
        connection.commit()
    assert library.pieces(stored.sha256) is None


# Damage


@pytest.mark.parametrize("damage", [b"", b"not a database, " * 100, None])
def test_a_damaged_database_is_set_aside(library: Library, damage: bytes | None) -> None:
    record = put(library)
    path = library.database.path
    if damage is None:
        data = bytearray(path.read_bytes())
        data[100:] = b"\xff" * (len(data) - 100)
        damage = bytes(data)
    path.write_bytes(damage)
    assert library.records() == []
    assert library.last_used() is None
    assert library.touch(record).used_at is not None
    assert record.path.read_bytes() == bytes(10)
    library.add(record)
    assert library.records() == [record]
    if damage:
        assert path.with_name("library.db.damaged").read_bytes() == damage


def test_a_damaged_database_is_a_problem_that_is_told(library: Library) -> None:
    put(library)
    library.database.path.write_bytes(b"x" * 5000)
    (problem,) = library.problems()
    assert problem.path == library.database.path
    assert "cannot be read" in problem.reason


def test_a_database_of_a_later_version_is_left_alone(library: Library) -> None:
    record = put(library)
    with closing(sqlite3.connect(library.database.path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    assert library.records() == []
    (problem,) = library.problems()
    assert "later version" in problem.reason
    with pytest.raises(DiskError, match="later version"):
        library.add(record)
    assert library.touch(record).used_at is not None
    with closing(sqlite3.connect(library.database.path)) as connection:
        assert connection.execute("SELECT count(*) FROM models").fetchone() == (1,)


def test_a_database_that_cannot_be_written_still_serves(library: Library) -> None:
    record = put(library)
    shared = library.database.path.with_name("library.db-shm")
    shared.unlink(missing_ok=True)
    (shared / "in the way").mkdir(parents=True)  # as root, permissions stop nobody
    assert library.records() == [record]
    assert library.problems() == []
    assert library.touch(record).used_at is not None
    with pytest.raises(DiskError):
        library.add(record)


def test_a_folder_that_cannot_be_written(library: Library) -> None:
    library.database.path.parent.parent.mkdir(parents=True, exist_ok=True)
    library.database.path.parent.write_text("in the way")
    assert library.records() == []
    stored = store(library)
    with pytest.raises(DiskError):
        put(library, files=(stored,))
    assert stored.path.read_bytes() == bytes(10)


def test_rows_that_make_no_sense_are_of_no_harm(library: Library) -> None:
    good = put(library, "good", b"good", file="good.gguf")
    put(library, "bad", b"bad", file="bad.gguf")
    with closing(sqlite3.connect(library.database.path)) as connection:
        connection.execute(
            "UPDATE models SET fetched_at = 'yesterday', used_at = 'x', context = 0 "
            "WHERE name = 'bad'"
        )
        connection.execute(
            "INSERT INTO models (name, repository, commit_id, fetched_at, adopted) "
            "VALUES ('no files', '', '', '', 0)"
        )
        connection.commit()
    bad, same = library.records()
    assert (bad.name, bad.fetched_at.year, bad.context) == ("bad", 1970, None)
    assert same == good


def test_a_model_that_is_not_what_its_record_says(library: Library) -> None:
    record = put(library)
    record.path.write_bytes(bytes(9))
    assert not library.records()
    assert library.recorded() == [record]
    (problem,) = library.problems()
    assert problem.reason == "holds 9 bytes, where its record says 10"
    record.path.unlink()
    (problem,) = library.problems()
    assert "the model is not" in problem.reason


def _add_many(number: int) -> None:
    library = Library()
    for count in range(5):
        name = f"{number}-{count}"
        put(library, name, name.encode(), file=f"{name}.gguf")


def test_several_processes_write_at_once(library: Library) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_many, args=(number,)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(library.records()) == 15


# Removal and unfinished fetches


def unfinished(library: Library) -> Path:
    """What a killed fetch leaves: 25 of 100 bytes."""
    blob = library.blob_for(REPOSITORY, "b" * 64)
    library.claim(blob, REPOSITORY, "big-Q8_0.gguf", 100)
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(blob.name + ".part")
    part.write_bytes(bytes(100))  # reserved, and most of it yet to come
    with closing(Journal(blob.with_name(blob.name + ".part.journal"))) as journal:
        journal.begin({0: (20, bytes(32))})
        journal.add(1, 5, bytes(32))
    blob.with_name(blob.name + ".part.lock").touch()
    return part


def test_an_unfinished_fetch_is_listed(library: Library) -> None:
    part = unfinished(library)
    (partial,) = library.partials()
    assert (partial.path, partial.bytes, partial.total) == (part, 25, 100)
    assert (partial.repository, partial.file) == (REPOSITORY, "big-Q8_0.gguf")


def test_removal_leaves_the_neighbours(library: Library) -> None:
    gone = put(library, "a", b"a", file="a.gguf")
    kept = put(library, "b", b"b", file="b.gguf")
    assert library.remove(gone) == 1
    assert library.records() == [kept]
    assert library.remove(gone) == 0


def test_what_lies_where_a_removed_model_lay_is_not_ours(library: Library) -> None:
    record, kept = put(library, "a", b"a", file="a.gguf"), put(library, "b", b"b", file="b.gguf")
    library.remove(record)
    assert [blob.name for blob, *_ in library.claimed()] == [kept.sha256]


def test_what_another_program_fetched_stays(library: Library) -> None:
    record = put(library, adopted=True)
    assert library.remove(record) == 0
    assert record.path.read_bytes() == bytes(10)
    assert library.recorded() == []


def test_the_same_file_at_two_commits_is_freed_with_the_second(library: Library) -> None:
    one = put(library, commit=COMMIT)
    other = put(library, commit="d" * 40)
    assert len(library.records()) == 2
    assert (library.remove(one), library.remove(other)) == (0, 10)


# Contexts of files without a record


def test_a_header_is_read_once(library: Library, tmp_path: Path) -> None:
    path, read = tmp_path / "m.gguf", []
    path.write_bytes(b"one")

    def context(path: Path) -> int | None:
        read.append(path)
        return 512

    absent = tmp_path / "absent.gguf"
    for _ in range(2):
        assert library.contexts([path, absent], context) == {path: 512}
    assert read == [path]
    path.write_bytes(b"other")
    library.contexts([path], context)
    assert read == [path, path]
