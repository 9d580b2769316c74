"""Files in use by a running Runner: not deleted while it runs, and free when it is gone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import DiskError
from runner.library import Library, uses
from tests.library.making import put

HOLD = """
import sys
from pathlib import Path
from runner.library import uses
uses.mark([Path(sys.argv[1])])
print("held", flush=True)
sys.stdin.read()
"""


def held(path: Path) -> "subprocess.Popen[str]":
    """A process that uses a file until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_model_in_use_is_not_removed(library: Library) -> None:
    record = put(library)
    with held(record.path) as process:
        with pytest.raises(DiskError, match=f"in use by process {process.pid}"):
            library.remove(record)
        assert record.path.exists() and library.records() == [record]
        process.communicate()
    assert not list(uses.folder().iterdir()), "a process that ends takes its note away"
    assert library.remove(record) == 10


def test_the_note_of_a_killed_process_is_ignored(library: Library) -> None:
    record = put(library)
    with held(record.path) as process:
        process.kill()
        process.wait()
        (note,) = uses.folder().iterdir()
        assert uses.stale() == [note]
        assert library.remove(record) == 10


def test_a_process_that_got_the_number_of_a_dead_one_uses_nothing(library: Library) -> None:
    record = put(library)
    release = uses.mark([record.path])
    (note,) = uses.folder().iterdir()
    about = json.loads(note.read_text())
    note.write_text(json.dumps(about | {"began": about["began"] - 100}))
    assert library.remove(record) == 10
    release()


def test_a_model_can_be_let_go_while_the_process_runs(library: Library) -> None:
    record = put(library)
    release = uses.mark([record.path])
    with pytest.raises(DiskError):
        library.remove(record)
    release()
    release()
    assert library.remove(record) == 10


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x", "began": 0, "paths": []}'])
def test_a_note_that_makes_no_sense_is_stale(library: Library, text: str) -> None:
    uses.folder().mkdir(parents=True)
    (uses.folder() / "1-1.json").write_text(text)
    assert len(uses.stale()) == 1
    library.remove(put(library))


def test_a_disk_that_keeps_no_notes_stops_nobody(library: Library) -> None:
    record = put(library)
    uses.folder().write_text("in the way")
    uses.mark([record.path])()
