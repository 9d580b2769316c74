"""What was said is still there: after a kill, with a full disk, a damaged file, or two programs at
once."""

import random
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from runner import database
from runner.chat.chats import Chats
from runner.engine.events import Finish, Timings
from runner.errors import DiskError, UnknownChat
from runner.prompt import Message

FINISH = Finish("end", Timings(1, 0, 0.0, 1, 0.0, 0.0, 0.0), 0)
SLACK = 1.0  # seconds; it is half of one where the processor is not in other hands


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "chats.sqlite3"


def check(path: Path) -> None:
    """The file is sound, and the index is that of the turns."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO said (said, rank) VALUES ('integrity-check', 1)")


def killed(path: Path, seed: int) -> tuple[float, list[tuple[int, float]]]:
    """A reply that was killed at some moment: when, and what was fed before."""
    command = [sys.executable, "-m", "tests.chat.streaming", str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        time.sleep(random.Random(seed).uniform(0, 1.5))
        moment = time.time()
        child.kill()
        lines += child.stdout.readlines()
    words = [line.split() for line in lines if line.endswith("\n")]
    return moment, [(int(number), float(at)) for number, at in words]


def test_a_kill_loses_no_more_than_the_last_moment(path: Path) -> None:
    with ThreadPoolExecutor(5) as threads:
        for batch in range(10):
            seeds = range(5 * batch, 5 * batch + 5)
            kills = dict(
                zip(seeds, threads.map(lambda seed: killed(path, seed), seeds), strict=True)
            )
            check(path)
            with Chats(path) as chats:
                for seed, (moment, fed) in kills.items():
                    chat = chats.find(f"question {seed}")
                    question, *replies = chat.turns()
                    assert question.content == f"question {seed}"
                    said = " ".join(f"{one.reasoning} {one.content}" for one in replies).split()
                    assert said == [f"w{number}" for number in range(len(said))], "in order"
                    assert len(said) >= sum(at < moment - SLACK for _, at in fed)
                    if len(said) > 20:
                        assert chats.search(f"w20 {said[-1]}"), "what was killed is found"
            check(path)


def test_a_finished_turn_is_on_the_disk(path: Path) -> None:
    with Chats(path) as chats:
        chat = chats.begin(model="tiny")
        done: list[str] = []
        chats._tables._connection.set_trace_callback(done.append)
        chat.add("user", "a question")
        reply = chat.begin_reply(model="tiny")
        reply.finish(Message("assistant", "an answer"), FINISH)
        chats._tables._connection.set_trace_callback(None)
        assert done.count("PRAGMA synchronous = FULL") == done.count("COMMIT") == 2
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.skipif(sys.platform == "win32", reason="no permission bits here")
def test_files_are_private(path: Path) -> None:
    with Chats(path) as chats:
        chats.begin(model="tiny").add("user", "a secret")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert len(modes) == 3 and set(modes.values()) == {0o600}


@pytest.mark.skipif(sys.platform == "win32", reason="no permission bits here")
def test_files_are_private_after_damage_too(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, " * 100)
    path.chmod(0o644)
    with Chats(path) as chats:
        chats.begin(model="tiny").add("user", "a secret")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert len(modes) == 4 and set(modes.values()) == {0o600}


@pytest.mark.skipif(sys.platform == "win32", reason="no permission bits here")
def test_a_database_that_others_could_read_becomes_private(path: Path) -> None:
    Chats(path).close()
    path.chmod(0o664)
    Chats(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o444)  # somebody who makes it read-only means it
    Chats(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_what_is_deleted_leaves_nothing(path: Path) -> None:
    with Chats(path) as chats:
        chats.begin(model="tiny").add("user", "something else")
        chat = chats.begin(model="tiny", system="sekret prompt")
        chat.add("user", "a sekret " * 2000)
        chat.begin_reply(model="tiny").finish(Message("assistant", "sekret", "sekret"), FINISH)
        size = path.with_name(path.name + "-wal").stat().st_size
        assert chat.number is not None
        chats.delete(chat.number)
        for file in path.parent.iterdir():
            assert b"sekret" not in file.read_bytes(), file.name
            assert file.stat().st_size < size
        assert [one.title for one in chats.list()] == ["something else"]
    check(path)


def test_what_another_program_keeps_from_being_deleted_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT", 0.05)
    remarks: list[str] = []
    with Chats(path, remark=remarks.append) as chats:
        chat = chats.begin(model="tiny")
        chat.add("user", "sekret")
        assert chat.number is not None
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM turns").fetchone()
            chats.delete(chat.number)
            assert len(remarks) == 1 and "-wal" in remarks[0]
            assert b"sekret" in path.with_name(path.name + "-wal").read_bytes()
        assert chats.list() == []


def test_several_are_deleted_with_one_cleaning(path: Path) -> None:
    with Chats(path) as chats:
        for number in range(3):
            chats.begin(model="tiny").add("user", f"n{number}")
        done: list[str] = []
        chats._tables._connection.set_trace_callback(done.append)
        with pytest.raises(UnknownChat):
            chats.delete(1, 9)
        assert len(chats.list()) == 3
        assert list(chats.delete(1, 3)) == [1, 3]
        chats._tables._connection.set_trace_callback(None)
        assert sum("optimize" in statement for statement in done) == 1
        assert [one.number for one in chats.list()] == [2]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; skips where none can be had."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    with suppress(OSError):
        if subprocess.run(mount, capture_output=True).returncode == 0:
            yield folder
            subprocess.run(["umount", "-l", str(folder)], check=True)
            return
    pytest.skip("only root can mount a small file system, and only on Linux")


@pytest.mark.parametrize("while_said", [False, True])
def test_a_full_disk_stops_the_saving_and_not_the_chat(
    small_disk: Path, tmp_path: Path, while_said: bool
) -> None:
    remarks: list[str] = []
    with Chats(small_disk / "chats.sqlite3", remark=remarks.append) as chats:
        chat = chats.begin(model="tiny", system="Be brief.")
        chat.tags = ("kept",)
        first = chat.add("user", "before")
        chat.condense(first, "a summary")
        with suppress(OSError):
            (small_disk / "hog").write_bytes(bytes(2**20))
        assert chat.unsaved is None
        if while_said:
            reply = chat.begin_reply(model="tiny")
            for number in range(300):
                reply.feed("answer", f"{number} " + "long " * 200)
                time.sleep(0.002)
            answer = reply.finish(Message("assistant", "after " * 50000), FINISH)
        else:
            answer = chat.add("assistant", "after " * 50000)
        assert [turn.content for turn in chat.turns()] == ["before", "after " * 50000]
        assert chat.head == answer and chat.condensed() == (first, "a summary")
        assert chat.unsaved is not None and "full" in chat.unsaved.message
        assert len(remarks) == 1 and "not saved" in remarks[0]
        chat.add("user", "and on")
        assert len(remarks) == 1, "told once"
        (small_disk / "hog").unlink()
        assert chat.save() and chat.unsaved is None and chat.tags == ("kept",)
        assert len(remarks) == 2 and "saved now" in remarks[1]
    with Chats(small_disk / "chats.sqlite3") as chats:
        latest = chats.latest()
        assert latest is not None
        assert [turn.content[:6] for turn in latest.turns()] == ["before", "after ", "and on"]
        assert latest.condensed() == (latest.turns()[0], "a summary")
    check(small_disk / "chats.sqlite3")


def test_a_disk_that_is_read_only_is_read(path: Path) -> None:
    with Chats(path) as chats:
        chats.begin(model="tiny").add("user", "before")
    shared = path.with_name(path.name + "-shm")
    (shared / "in the way").mkdir(parents=True)  # as root, permissions stop nobody
    remarks: list[str] = []
    with Chats(path, remark=remarks.append) as chats:
        chat = chats.find("before")
        chat.add("assistant", "after")
        assert [turn.content for turn in chat.turns()] == ["before", "after"]
        assert chat.unsaved is not None and len(remarks) == 1


def test_a_place_where_nothing_can_be_is_an_error(path: Path) -> None:
    path.parent.write_text("in the way")
    with pytest.raises(DiskError, match=r"chats\.sqlite3"):
        Chats(path)


def test_a_damaged_database_is_set_aside_and_told(path: Path) -> None:
    path.parent.mkdir()
    for number in (1, 2):
        path.write_bytes(b"not a database, " * 100 * number)
        remarks: list[str] = []
        with Chats(path, remark=remarks.append) as chats:
            chats.begin(model="tiny").add("user", "anew")
        assert "damaged" in remarks[0]
        path.unlink()
    kept = sorted(file.name for file in path.parent.glob("*.damaged*"))
    assert kept == ["chats.sqlite3.damaged", "chats.sqlite3.damaged-2"]


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_what_can_be_read_of_a_damaged_database_is_kept(path: Path, share: float) -> None:
    texts = [f"n{number} " + f"long{number} " * 150 for number in range(400)]
    with Chats(path) as chats, chats.together():
        for begin in range(0, 400, 10):
            chat = chats.begin(model="tiny")
            for text in texts[begin : begin + 10]:
                chat.add("user", text)
    data = bytearray(path.read_bytes())
    at = int(len(data) * share) // 4096 * 4096
    data[at : at + 4096] = b"\xff" * 4096
    path.write_bytes(data)
    remarks: list[str] = []
    with Chats(path, remark=remarks.append) as chats:
        for _ in range(2):
            with suppress(DiskError):
                for number in range(1, 41):
                    with suppress(UnknownChat):
                        chats.open(number).add("user", "and on")
                        chats.search(f"n{number}")
        kept = {turn.content for one in chats.list() for turn in chats.open(one.number).tree()}
        assert len(kept & set(texts)) > 300
        assert chats.latest() is not None
    aside = path.with_name(path.name + ".damaged")
    assert aside.exists() == any("damaged" in remark for remark in remarks)
    if aside.exists():
        check(path)


def test_a_later_version_is_left_alone(path: Path) -> None:
    Chats(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DiskError, match="later version"):
        Chats(path)


def test_two_programs_say_something_in_one_conversation(path: Path) -> None:
    with Chats(path) as mine, Chats(path) as others:
        chat = mine.begin(model="tiny")
        question = chat.add("user", "a question")
        assert chat.number is not None
        again = others.open(chat.number)
        reply = chat.begin_reply(model="tiny")
        reply.feed("answer", "mine is")
        again.title = "renamed"
        again.add("assistant", "theirs")
        reply.finish(Message("assistant", "mine is whole"), FINISH)
        assert [turn.content for turn in chat.turns()] == ["a question", "mine is whole"]
        assert {turn.content for turn in again.children(question)} == {"theirs", "mine is whole"}
        assert mine.open(chat.number).title == "renamed"
        others.delete(chat.number)
        with pytest.raises(UnknownChat, match="deleted meanwhile"):
            chat.add("user", "on")
    check(path)


def test_many_programs_write_at_once(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from runner.chat.chats import Chats\n"
        "chat = Chats(Path(sys.argv[1])).begin(model='tiny')\n"
        "for number in range(25): chat.add('user', f'{sys.argv[2]} says {number}')"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in "abcd"]
    assert [child.wait() for child in children] == [0] * 4
    with Chats(path) as chats:
        assert [one.turns for one in chats.list()] == [25] * 4
        assert len(chats.search("says", 1000)) == 100
    check(path)


def test_another_program_may_look_while_a_reply_is_said(path: Path) -> None:
    """Whatever it puts together, what is said after it is joined to it."""
    with Chats(path) as chats:
        chat = chats.begin(model="tiny")
        chat.add("user", "a question")
        reply = chat.begin_reply(model="tiny")
        for number in range(4):
            reply._add([("reasoning", f" r{number}"), ("answer", f" a{number}")])
            with Chats(path) as others:
                seen = others.find("question").turns()[-1]
                assert seen.content.split() == [f"a{one}" for one in range(number + 1)]
                assert seen.reasoning.split() == [f"r{one}" for one in range(number + 1)]
                assert len(others.search(f"a0 a{number}")) == 1
        turn = reply.finish(Message("assistant", "whole", "thought"), FINISH)
        assert (chat.head, turn.content) == (turn, "whole")
        assert chats.search("a0") == [] and len(chats.search("whole")) == 1
    check(path)


def test_no_save_leaves_nothing(isolated: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in isolated.rglob("*")}
    with Chats.in_memory() as chats:
        chat = chats.begin(model="tiny")
        chat.add("user", "a secret")
        reply = chat.begin_reply(model="tiny")
        reply._add([("answer", "a part")])
        reply.finish(Message("assistant", "an answer"), FINISH)
        assert len(chats.search("answer")) == 1
        chats.delete(1)
        assert chats.list() == []
    assert {file: file.stat().st_mtime_ns for file in isolated.rglob("*")} == before
