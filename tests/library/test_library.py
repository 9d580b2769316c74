"""The library on a real disk: records, order of use, damage, removal, unfinished fetches."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.errors import DiskError, UnknownModel
from runner.library import Library, Part, Record

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


def put(library: Library, name: str = "model:1b", **about: Any) -> Record:
    """A model of 10 bytes in the library, with its record."""
    repository = about.pop("repository", "org/model-GGUF")
    file = about.pop("file", "model-Q4_K_M.gguf")
    path = library.path_for(repository, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(10))
    record = Record(
        name=name,
        repository=repository,
        commit="c" * 40,
        file=file,
        quantization="Q4_K_M",
        bytes=10,
        sha256="0" * 64,
        fetched_at=NOON,
        used_at=None,
        path=path,
    )
    record = replace(record, **about)
    library.add(record)
    return record


def note_of(record: Record) -> Path:
    return record.path.with_name(record.path.name + ".json")


def test_the_default_library_is_in_the_data_directory(isolated: Path) -> None:
    assert Library().root == isolated / "data" / "models"


def test_an_empty_or_absent_library(library: Library) -> None:
    assert (library.records(), library.problems(), library.partials()) == ([], [], [])
    assert library.last_used() is None


def test_a_record_comes_back_as_it_was(library: Library) -> None:
    record = put(library, used_at=NOON + timedelta(days=1))
    assert library.records() == [record]
    assert library.problems() == []
    assert record.path == library.root / "org" / "model-GGUF" / "model-Q4_K_M.gguf"
    assert library.find("ORG/model-gguf", "model-Q4_K_M.gguf") == record
    assert library.find("org/model-GGUF", "model-Q8_0.gguf") is None


def test_a_record_is_for_people_too(library: Library) -> None:
    record = put(library, name="modèle")
    text = note_of(record).read_text(encoding="utf-8")
    assert text.startswith('{\n  "format": 1,\n  "name": "modèle",\n')
    assert '"fetched_at": "2026-01-02T12:00:00+00:00"' in text
    assert str(library.root) not in text


def test_a_library_can_be_moved(library: Library, tmp_path: Path) -> None:
    put(library)
    library.root.rename(tmp_path / "elsewhere")
    (record,) = Library(tmp_path / "elsewhere").records()
    assert record.path.read_bytes() == bytes(10)


def test_a_shouted_ending(library: Library) -> None:
    record = put(library, file="MODEL.GGUF")
    assert library.records() == [record]
    assert not library.problems()


def test_a_split_model_is_one_record(library: Library) -> None:
    second = Part("Q8_0/m-00002-of-00002.gguf", 7, "1" * 64)
    record = put(library, file="Q8_0/m-00001-of-00002.gguf", parts=(second,))
    assert [problem.path.name for problem in library.problems()] == ["m-00002-of-00002.gguf"]
    other = record.path.with_name("m-00002-of-00002.gguf")
    other.write_bytes(bytes(7))
    assert library.records() == [record]
    assert not library.problems()
    assert record.total_bytes == 17
    assert record.files == ((record.path, 10), (other, 7))
    assert library.remove(record) > 17
    assert not list(library.root.iterdir())


# Which was used last


def test_the_order_of_use(library: Library) -> None:
    old = put(library, "old", file="old.gguf")
    new = put(library, "new", file="new.gguf", fetched_at=NOON + timedelta(hours=1))
    assert library.last_used() == new
    used = library.touch(old)
    assert used.used_at is not None and used.used_at > NOON
    assert library.last_used() == used
    again = library.touch(new)
    assert library.last_used() == again


def test_a_name_with_several_quantizations_means_the_one_used_last(library: Library) -> None:
    put(library, "m", file="m-Q8_0.gguf")
    other = put(library, "m", file="m-Q4_K_M.gguf", used_at=NOON + timedelta(days=1))
    assert library.by_name("M") == other
    assert library.by_name("n") is None


def test_touching_a_removed_model_does_not_bring_it_back(library: Library) -> None:
    record = put(library)
    library.remove(record)
    library.touch(record)
    assert not list(library.root.iterdir())


def test_a_library_that_cannot_be_written_still_runs(library: Library) -> None:
    record = put(library)
    note_of(record).unlink()
    (note_of(record) / "in the way").mkdir(parents=True)  # as root, permissions stop nobody
    assert library.touch(record).used_at is not None
    with pytest.raises(DiskError):
        library.add(record)
    names = {path.name for path in record.path.parent.iterdir()}
    assert names == {record.path.name, note_of(record).name}


def test_an_unfinished_write_harms_nothing(library: Library) -> None:
    record = put(library)
    beginning = record.path.with_name(f".{note_of(record).name}.4242")
    beginning.write_text('{"form')
    assert library.records() == [record] and not library.problems()
    library.remove(record)
    assert not list(library.root.iterdir())


# Damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("", "not JSON"),
        ("\x00\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a record"),
        ("null", "not a record"),
        ('{"format": 1}', "'name' is missing"),
        ({"format": 2}, "later version"),
        ({"format": "1"}, "not a record"),
        ({"bytes": -1}, "should be a number of bytes"),
        ({"bytes": "10"}, "should be a number of bytes"),
        ({"name": None}, "should be text"),
        ({"fetched_at": "yesterday"}, "not a record"),
        ({"fetched_at": "2026-01-02T12:00:00"}, "no time zone"),
        ({"fetched_at": 5}, "not a record"),
        ({"parts": 5}, "not a record"),
        ({"parts": [5]}, "not a record"),
        ({"parts": [{"file": "../../x.gguf", "bytes": 1, "sha256": ""}]}, "leaves its folder"),
        ({"file": "/etc/passwd"}, "leaves its folder"),
        ({"repository": "a\\b"}, "separates paths"),
    ],
)
def test_a_damaged_record_is_reported_and_the_others_work(
    library: Library, damage: str | dict[str, Any], reason: str
) -> None:
    good = put(library, file="good.gguf")
    bad = put(library, file="bad.gguf")
    content = json.loads(note_of(bad).read_text())
    text = damage if isinstance(damage, str) else json.dumps(content | damage)
    note_of(bad).write_text(text, encoding="latin-1")
    assert library.records() == [good]
    first, *_ = library.problems()
    assert first.path == note_of(bad)
    assert reason in first.reason


def test_unknown_fields_are_of_a_later_day_and_ignored(library: Library) -> None:
    record = put(library)
    content = json.loads(note_of(record).read_text())
    note_of(record).write_text(json.dumps(content | {"stars": 5}))
    assert library.records() == [record]


def test_a_model_that_is_not_what_its_record_says(library: Library) -> None:
    record = put(library)
    record.path.write_bytes(bytes(9))
    assert not library.records()
    (problem,) = library.problems()
    assert problem.reason == "holds 9 bytes, where its record says 10"
    record.path.unlink()
    (problem,) = library.problems()
    assert "model is not" in problem.reason


def test_a_model_without_a_record_is_reported(library: Library) -> None:
    record = put(library)
    note_of(record).unlink()
    assert not library.records()
    (problem,) = library.problems()
    assert problem.path == record.path and "without a record" in problem.reason


def test_files_of_others_are_left_alone(library: Library) -> None:
    record = put(library)
    (record.path.parent / "notes.txt").write_text("mine")
    (record.path.parent / "config.json").write_text("{}")
    assert library.records() == [record] and not library.problems()
    library.remove(record)
    assert sorted(path.name for path in record.path.parent.iterdir()) == [
        "config.json",
        "notes.txt",
    ]


# Removal and unfinished fetches


def unfinished(library: Library, note: str | None = None) -> Path:
    path = library.path_for("org/model-GGUF", "big-Q8_0.gguf")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(bytes(25))
    about = {"repository": "org/model-GGUF", "file": "big-Q8_0.gguf", "bytes": 100}
    path.with_name(path.name + ".part.json").write_text(note or json.dumps(about))
    path.with_name(path.name + ".part.lock").touch()
    return part


def test_removal_frees_everything_of_a_model(library: Library) -> None:
    record = put(library, file="big-Q8_0.gguf")
    size = note_of(record).stat().st_size
    part = unfinished(library)
    size += part.with_name(part.name + ".json").stat().st_size
    assert library.remove(record) == 10 + 25 + size
    assert not list(library.root.iterdir())
    assert library.root.exists()


def test_removal_leaves_the_neighbours(library: Library) -> None:
    gone, kept = put(library, file="a.gguf"), put(library, file="b.gguf")
    library.remove(gone)
    assert library.records() == [kept]
    assert library.remove(gone) == 0


def test_an_unfinished_fetch_is_listed_and_discarded(library: Library) -> None:
    part = unfinished(library)
    (partial,) = library.partials()
    assert (partial.path, partial.bytes, partial.total) == (part, 25, 100)
    assert (partial.repository, partial.file) == ("org/model-GGUF", "big-Q8_0.gguf")
    assert not library.records() and not library.problems()
    assert library.discard(partial) > 25
    assert not list(library.root.iterdir())


@pytest.mark.parametrize("note", ["{", "[]", "{}", '{"repository": "a", "file": "b"}'])
def test_an_unfinished_fetch_of_nobody_knows_what_is_passed_over(
    library: Library, note: str
) -> None:
    unfinished(library, note)
    assert library.partials() == []


def test_a_path_outside_is_refused(library: Library) -> None:
    with pytest.raises(UnknownModel):
        library.path_for("org/model", "../../../x.gguf")
