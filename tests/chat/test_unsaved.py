"""A conversation that cannot be written goes on, and is written as soon as it can be."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from runner import database
from runner.chat import written
from runner.chat.chat import Chat
from runner.chat.chats import Chats
from runner.chat.turns import Turn
from runner.errors import UnknownChat
from runner.prompt import Message
from tests.chat.test_chats import FINISH, STEPS, Step, said
from tests.chat.test_chats_lasting import check


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT", 0.02)
    monkeypatch.setattr(written, "PATIENCE", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.sqlite3"


class Lock:
    """Another program that is in the middle of writing, or not."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def take(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def free(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def remarks() -> list[str]:
    return []


@pytest.fixture
def chats(path: Path, remarks: list[str]) -> Iterator[Chats]:
    with Chats(path, remark=remarks.append) as chats:
        yield chats


@pytest.fixture
def chat(chats: Chats) -> Chat:
    return chats.begin(model="tiny")


@pytest.fixture
def lock(path: Path, chats: Chats) -> Iterator[Lock]:
    lock = Lock(path)
    yield lock
    lock.close()


def test_what_was_said_meanwhile_is_written_afterwards(
    path: Path, chats: Chats, chat: Chat, lock: Lock, remarks: list[str]
) -> None:
    question = chat.add("user", "one")
    lock.take()
    answer = chat.add("assistant", "two")
    chat.condense(answer, "a summary")
    chat.title, chat.tags = "a title", ("a", "b")
    assert chat.unsaved is not None and "locked" in chat.unsaved.message
    assert not chat.save()
    assert said(chat.turns()) == ["one", "two"]
    assert "waiting" in remarks[0] and "not saved" in remarks[1] and len(remarks) == 2
    lock.free()
    last = chat.add("user", "three")
    assert chat.unsaved is None and chat.save()
    assert len(remarks) == 3 and "saved now" in remarks[2]
    with Chats(path) as others:
        assert chat.number is not None
        found = others.open(chat.number)
        assert said(found.turns()) == ["one", "two", "three"]
        assert (found.title, found.tags) == ("a title", ("a", "b"))
        assert found.turns() == chat.turns() and found.turns()[-1] == last
        condensed = found.condensed()
        assert condensed is not None and condensed == (chat.turns()[1], "a summary")
        assert others.search("two") and others.search("three")
    # The turn that was given out meanwhile is still that turn.
    assert said(chat.path_to(answer)) == ["one", "two"]
    assert chat.turn(answer.id).content == "two" and said(chat.children(answer)) == ["three"]
    assert said(chat.children(question)) == ["two"]
    chat.add("assistant", "beside", parent=answer)
    chat.go_to(answer)
    assert said(chat.turns()) == ["one", "two"]
    chat.remove(answer)
    assert said(chat.tree()) == ["one"] and chat.head == question
    check(path)


def test_a_lock_is_waited_for_twice(path: Path) -> None:
    remarks: list[str] = []

    def remark(text: str) -> None:
        remarks.append(text)
        program.free()

    with Chats(path, remark=remark) as chats:
        program = Lock(path)
        program.take()
        chat = chats.begin(model="tiny")
        chat.add("user", "one")
        assert chat.unsaved is None and len(remarks) == 1 and "waiting" in remarks[0]
        program.close()


def test_one_that_began_unsaved_gets_a_number(
    path: Path, chats: Chats, chat: Chat, lock: Lock
) -> None:
    chats.begin(model="tiny").add("user", "another")
    lock.take()
    chat.add("user", "one")
    lock.free()
    assert chat.save() and chat.number == 2
    assert [(one.number, one.title) for one in chats.list()] == [(2, "one"), (1, "another")]
    check(path)


def test_a_reply_that_was_begun_before_is_whole(
    path: Path, chats: Chats, chat: Chat, lock: Lock
) -> None:
    chat.add("user", "one")
    reply = chat.begin_reply(model="tiny")
    reply._add([("answer", "a part")])
    lock.take()
    reply._add([("answer", " and another")])
    assert chat.unsaved is not None and chat.turns()[-1].content == "a part and another"
    lock.free()
    chat.title = "written back while it is said"
    assert chat.unsaved is None
    reply._add([("answer", " and a third")])
    turn = reply.finish(Message("assistant", "all of it"), FINISH)
    assert chats.open(1).turns()[-1] == turn == chat.head
    assert said(chats.open(1).tree()) == ["one", "all of it"] and not chats.search("part")
    check(path)


def test_what_others_said_meanwhile_stays(path: Path, chats: Chats, lock: Lock) -> None:
    chat = chats.begin(model="tiny")
    question = chat.add("user", "one")
    lock.take()
    chat.add("assistant", "mine")
    lock.free()
    with Chats(path) as others:
        again = others.open(1)
        again.add("assistant", "theirs")
        again.title = "renamed"
    assert chat.save()
    assert said(chat.children(question)) == ["theirs", "mine"]
    assert chats.open(1).title == "renamed"
    check(path)


def test_what_was_deleted_meanwhile_stays_deleted(
    path: Path, chats: Chats, chat: Chat, lock: Lock, remarks: list[str]
) -> None:
    chat.add("user", "one")
    lock.take()
    chat.add("assistant", "two")
    lock.free()
    chats.delete(1)
    chat.add("user", "three")
    assert isinstance(chat.unsaved, UnknownChat) and "deleted" in remarks[-1]
    told = len(remarks)
    chat.add("assistant", "four")
    assert said(chat.turns()) == ["one", "two", "three", "four"] and not chat.save()
    assert chats.list() == [] and len(remarks) == told


def test_what_was_deleted_before_is_not_gone_on_with(
    chats: Chats, chat: Chat, lock: Lock, remarks: list[str]
) -> None:
    chat.add("user", "one")
    chats.delete(1)
    lock.take()
    with pytest.raises(UnknownChat):
        chat.add("assistant", "two")
    assert chat.unsaved is None and "not saved" not in "".join(remarks)


@given(steps=STEPS, held=st.lists(st.booleans(), min_size=25, max_size=25))
@hypothesis(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
def test_a_tree_is_what_was_done_to_it_however_often_it_could_not_be_written(
    tmp_path: Path, steps: list[Step], held: list[bool]
) -> None:
    """Against the same done in memory, by turns that were given out before."""
    path = tmp_path / "tree.sqlite3"
    path.unlink(missing_ok=True)
    with Chats(path) as chats, Chats.in_memory() as reference:
        lock = Lock(path)
        pair = chats.begin(model="tiny"), reference.begin(model="tiny")
        turns: list[tuple[Turn, Turn]] = []
        for (kind, choice), locked in zip(steps, held, strict=False):
            (lock.take if locked else lock.free)()
            there = {turn.id for turn in pair[1].tree()}
            alive = [both for both in turns if both[1].id in there]
            chosen = alive[choice % len(alive)] if alive and choice else None
            made: list[Turn] = []
            for place, chat in enumerate(pair):
                if kind == "add":
                    made.append(chat.add("user", f"n{len(turns)}"))
                elif kind in ("reply", "discard"):
                    reply = chat.begin_reply(model="tiny")
                    reply._add([("answer", f"part {len(turns)}")])
                    if kind == "discard":
                        reply.discard()
                    else:
                        message = Message("assistant", f"n{len(turns)}")
                        made.append(reply.finish(message, FINISH))
                elif kind == "go":
                    chat.go_to(chosen and chosen[place])
                elif chosen is not None:
                    chat.remove(chosen[place])
            if made:
                turns.append((made[0], made[1]))
        lock.close()
        assert pair[0].save()
        assert (pair[0].number is None) == (pair[1].number is None)
        if pair[0].number is not None:
            found = chats.open(pair[0].number)
            assert said(found.turns()) == said(pair[1].turns())
            assert shape(found) == shape(pair[1])
        else:
            assert chats.list() == []
    check(path)


def shape(chat: Chat) -> list[list[str]]:
    """The way to each turn."""
    return sorted(said(chat.path_to(turn)) for turn in chat.tree())
