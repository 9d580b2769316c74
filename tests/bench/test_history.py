"""The history: records come back as they were, and are never changed."""

import json
import sqlite3
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import models
from runner.bench import schema
from runner.bench.exports import exported, whole
from runner.bench.facts import configuration, machine_facts, model_file, new_id, now, tool
from runner.bench.files import read_records, read_whole
from runner.bench.history import History, is_name
from runner.bench.plain import to_plain
from runner.bench.record import Record, Sample, Summary
from runner.bench.record import Test as Measured  # pytest would collect one called Test
from runner.errors import BadDocument, DiskError, UnknownRecord
from runner.settings import load


@pytest.fixture(scope="module")
def record() -> Record:
    """A record of the shipped model, as it was really loaded, with a made-up figure."""
    asked = load({"threads": 1, "ctx": 256})
    with models.ready(models.shipped(), asked) as ready:
        how = configuration(ready, asked)
    sample = Sample(0, 0, 0.0, 8, 0, 0, 0.5, 0.0, 0.0, 0.5)
    figure = Summary("prefill_rate", "tokens/s", "…", 16.0, (15.0, 17.0), 6, 12)
    test = Measured(
        "pp8", "prefill", "synthetic", "0", 8, 0, 0, (sample,), (figure,), flags=("NOISY",)
    )
    return Record(
        id=new_id(),
        run=new_id(),
        date=now(),
        kind="speed",
        name="tiny Q8_0",
        tool=tool(),
        machine=machine_facts(),
        model=model_file(models.shipped()),
        configuration=how,
        tests=(test,),
    )


def test_the_published_schema_is_that_of_the_dataclasses() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text()
    jsonschema.Draft202012Validator.check_schema(schema.record_schema())


def test_a_record_validates_and_a_wrong_one_does_not(record: Record) -> None:
    validator = jsonschema.Draft202012Validator(schema.record_schema())
    plain = to_plain(record)
    validator.validate(plain)
    for wrong in ({"date": 3}, {"kind": "mood"}, {"schema": "runner-record/9"}):
        assert not validator.is_valid(plain | wrong)
    assert not validator.is_valid({key: plain[key] for key in plain if key != "model"})


def test_facts_of_the_shipped_model(record: Record) -> None:
    assert record.model.file == "tiny-Q8_0.gguf"
    assert record.model.sha256 is not None and len(record.model.sha256) == 64
    assert sum(record.model.tensor_types.values()) == record.model.bytes
    assert (record.configuration.threads, record.configuration.context) == (1, 256)
    assert record.configuration.devices[0] == "CPU"
    assert machine_facts().id == record.machine.id


def test_kept_found_and_the_same(record: Record) -> None:
    history = History()
    history.add(record)
    history.add(record)
    older = replace(record, id="20200101-0000-aaaa", date="2020-01-01T00:00:00Z", name="old")
    history.add(older)
    assert history.get("latest") == record == history.get(record.id)
    assert history.get("latest~1") == older == history.get("20200101")
    assert history.run(record.run) == [record, older]
    assert [one.id for one in history.find()] == [record.id, older.id]
    assert [one.id for one in history.find(model="TINY q8_0", since="2021-01-01")] == [record.id]
    assert history.find(kind="quality") == history.find(model="100%") == []
    found = history.find(flag="NOISY", limit=1)[0]
    assert [(one.test, one.median) for one in found.figures] == [("pp8", 16.0)]


def test_a_history_that_another_process_begins_at_the_same_moment(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for, though SQLite refuses at once to change how a busy file is written."""
    history, connect, later = History(), sqlite3.connect, []

    class Late(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if "journal_mode" in sql:
                other = connect(history.path, isolation_level=None, check_same_thread=False)
                other.execute("BEGIN IMMEDIATE")
                later.append(threading.Timer(0.3, other.close))
                later[-1].start()
            return super().execute(sql, *values)

    monkeypatch.setattr(sqlite3, "connect", partial(connect, factory=Late))
    history.add(record)
    for one in later:
        one.join()
    assert len(later) == 1 and history.get("latest") == record


def test_unknown_and_ambiguous_names(record: Record) -> None:
    history = History()
    for name in ("latest", "", "nothing"):
        with pytest.raises(UnknownRecord):
            history.get(name)
    for letter in "ab":
        history.add(replace(record, id=f"20200101-0000-{letter}"))
    with pytest.raises(UnknownRecord, match="is the beginning of"):
        history.get("2020")


def test_nothing_is_changed_or_deleted(record: Record) -> None:
    history = History()
    history.add(record)
    with pytest.raises(DiskError, match="another record"):
        history.add(replace(record, name="another"))
    with sqlite3.connect(history.path) as connection:
        for statement in ("DELETE FROM records", "UPDATE records SET name = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)
    connection.close()


def test_a_row_that_was_tampered_with_is_refused(record: Record) -> None:
    history = History()
    history.add(record)
    with sqlite3.connect(history.path) as connection:
        connection.execute("DROP TRIGGER records_last")
        connection.execute("UPDATE records SET json = replace(json, '16.0', '61.0')")
    connection.close()
    with pytest.raises(DiskError, match="sha256"):
        history.get(record.id)


def test_several_are_kept_together_or_not_at_all(record: Record) -> None:
    history = History()
    history.add(record)
    with pytest.raises(DiskError):
        history.add_all([replace(record, id="new"), replace(record, name="x")])
    assert len(history.find()) == 1


def test_a_record_of_a_file(record: Record, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(to_plain(record)), encoding="utf-8")
    assert History().get(str(path)) == record
    for damage in ("", "{", "[1]", '{"schema": "runner-record/2"}', '{"schema": 1}', "[" * 10**5):
        path.write_text(damage, encoding="utf-8")
        with pytest.raises(BadDocument):
            History().get(str(path))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadDocument):
        History().get(str(path))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("date", '"once"', "its date is 'once'"),
        ("date", '"2026-01-01T00:00:00"', "its date is"),
        ("date", '"0001-01-01T00:00:00+10:00"', "its date is"),
        ("date", '"9999-12-31T23:00:00-10:00"', "its date is"),
        ("id", '""', "its id is ''"),
        ("id", '"latest"', "its id is 'latest'"),
        ("id", '"latest~1"', "its id is"),
        ("id", '"two words"', "its id is"),
        ("id", '"-o"', "its id is"),
        ("name", '"\\ud800"', "Record.name is '\\ud800', which is no text"),
        ("noise", '[{"test": "t", "shift": NaN, "interval": null, "blocks": 1}]', "holds NaN"),
        ("noise", '[{"test": "t", "shift": 1e999, "interval": null, "blocks": 1}]', "holds 1e999"),
        (
            "noise",
            f'[{{"test": "t", "shift": 1{"0" * 400}, "interval": null, "blocks": 1}}]',
            "no finite number",
        ),
        ("noise", '[{"test": "t", "shift": true, "interval": null, "blocks": 1}]', "no float"),
        ("flags", '["ODD"]', "Record.flags[0] is 'ODD', which it cannot be"),
    ],
)
def test_a_file_with_what_cannot_be_kept_is_refused(
    record: Record, tmp_path: Path, field: str, value: str, words: str
) -> None:
    path = tmp_path / "odd.json"
    plain = to_plain(record) | {field: "HERE"}
    path.write_text(json.dumps(plain).replace('"HERE"', value), encoding="utf-8")
    with pytest.raises(BadDocument) as caught:
        read_records(path)
    assert str(path) in caught.value.message and words in caught.value.message


def test_the_same_from_an_earlier_version_is_here_already(record: Record, tmp_path: Path) -> None:
    """Which wrote it without fields that have come since, and their defaults stand for."""
    earlier = to_plain(record)
    del earlier["tool"]["libraries"], earlier["advice"], earlier["configuration"]["other"]
    same = replace(record, tool=replace(record.tool, libraries=""))
    path = tmp_path / "earlier.json"
    path.write_text(json.dumps(earlier), encoding="utf-8")
    history = History()
    assert history.add_read(read_whole(path)) == 1
    path.write_text(exported([same], "json"), encoding="utf-8")
    assert history.add_read(read_whole(path)) == 0
    with pytest.raises(DiskError, match="another record"):
        history.add(replace(same, name="another"))


def test_what_a_later_version_says_is_kept(record: Record, tmp_path: Path) -> None:
    """Also where it lies deep, and comes out again as JSON; only then is it known later on."""
    later = to_plain(record) | {"mood": "cheerful"}
    later["tests"][0]["samples"][0]["fan"] = 1200
    path = tmp_path / "later.json"
    path.write_text(json.dumps(later), encoding="utf-8")
    history = History()
    assert history.add_read(read_whole(path)) == 1
    assert history.get(record.id) == record
    kept = history.read(record.id).value
    assert kept == later and json.loads(whole([kept])) == {"records": [later]}
    assert history.add_read(read_whole(path)) == 0
    history.add(record)  # as far as this version knows, the same


def test_a_wrong_line_is_named(record: Record, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    line = json.dumps(to_plain(replace(record, name="one\u2028line")), ensure_ascii=False)
    path.write_text(f"{line}\n\n{line}\n", encoding="utf-8")
    assert [one.name for one in read_records(path)] == ["one\u2028line"] * 2
    path.write_text(f"{line}\n\n{line[:-9]}\n", encoding="utf-8")
    with pytest.raises(BadDocument, match="line 3 is not JSON"):
        read_records(path)


@pytest.mark.parametrize(
    "name", ["x" * 5000, "~nobody-of-this-name/x", "a\0b", "\udc80", "latest~" + "9" * 30, "'; --"]
)
def test_names_that_no_file_can_have(record: Record, name: str) -> None:
    history = History()
    history.add(record)
    with pytest.raises(UnknownRecord) as caught:
        history.get(name)
    assert len(caught.value.message) < 200


def test_names_that_can_only_be_records() -> None:
    for name in (
        "latest",
        "latest~x",
        "LATEST~3",
        "2026",
        "20261127-0512-k3f9",
        "a.json",
        "b.JSONL",
    ):
        assert is_name(name)
    for name in ("tiny", "qwen3:0.6b", "models/a.gguf", "latestmodel", "01-ai", "7b"):
        assert not is_name(name)


def test_dates_out_of_the_calendar(record: Record) -> None:
    history = History()
    history.add(record)
    assert history.find(since="0999-01-01T00:00:00+00:00", limit=10**30)
    for since in ("0001-01-01T00:00:00+14:00", "then"):
        with pytest.raises(ValueError, match=r"calendar|Invalid"):
            history.find(since=since)


@settings(max_examples=25)
@given(cut=st.integers(0, 10**6))
def test_a_file_cut_anywhere_is_refused(
    record: Record, tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    text = json.dumps(to_plain(record))
    path = tmp_path_factory.mktemp("cut") / "cut.json"
    path.write_text(text[: cut % len(text)], encoding="utf-8")
    with pytest.raises(BadDocument):
        History().get(str(path))


def test_names_are_never_given_twice() -> None:
    assert len({new_id() for _ in range(2000)}) == 2000
