"""Conversations between the database and plain data: nothing is lost on the way, and nothing comes
twice."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis

from runner.chat.chats import Chats
from runner.chat.dialogue import Dialogue
from runner.chat.exchange import dialogue_of, keep
from runner.chat.exporting import exported
from runner.chat.importing import read
from runner.chat.turns import Turn
from tests.chat.dialogues import dialogues

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def renumbered(dialogue: Dialogue) -> Dialogue:
    """The same with turns numbered from one: a database numbers them itself."""
    numbers = {turn.id: number for number, turn in enumerate(dialogue.turns, 1)}
    return replace(
        dialogue,
        turns=tuple(
            replace(turn, id=numbers[turn.id], parent=turn.parent and numbers[turn.parent])
            for turn in dialogue.turns
        ),
        head=dialogue.head and numbers[dialogue.head],
        summaries={numbers[turn]: text for turn, text in dialogue.summaries.items()},
    )


@given(dialogues())
@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_runners_own_json_loses_nothing(tmp_path: Path, dialogue: Dialogue) -> None:
    """Database → JSON → database: the same conversation, to the letter."""
    with Chats.in_memory() as first, Chats.in_memory() as second:
        [chat] = keep([dialogue], first)
        assert chat is not None
        before = dialogue_of(chat)
        path = tmp_path / "chat.json"
        path.write_text(exported([before], "json"), encoding="ascii")
        found = read(path)
        assert (found.kind, found.problems) == ("Runner export", [])
        keep(found.dialogues, second)
        latest = second.latest()
        assert latest is not None
        assert renumbered(dialogue_of(latest)) == renumbered(before)


@given(dialogues())
def test_the_database_keeps_what_it_is_given(dialogue: Dialogue) -> None:
    with Chats.in_memory() as chats:
        [chat] = keep([dialogue], chats)
        assert chat is not None and chat.number is not None
        kept = renumbered(dialogue_of(chats.open(chat.number)))
        title = " ".join(dialogue.title.split()) or kept.title
        assert kept == renumbered(replace(dialogue, title=title))
        assert [turn.content for turn in chat.turns()] == [one.content for one in dialogue.path]


def test_what_is_here_already_does_not_come_twice() -> None:
    turns = (Turn(1, None, "user", "hi", AT), Turn(2, 1, "assistant", "hello", AT, model="tiny"))
    dialogue = Dialogue(turns, 2, created=AT)
    more = replace(dialogue, turns=(*turns, Turn(3, 2, "user", "more", AT)), head=3)
    with Chats.in_memory() as chats:
        done: list[int] = []
        first = keep([dialogue, dialogue], chats, tags=("old",), progress=done.append)
        assert [one is None for one in first] == [False, True]
        assert done == [1, 2]
        assert [one is None for one in keep([dialogue, more], chats)] == [True, False]
        assert [(one.turns, one.tags) for one in chats.list()] == [(3, ()), (2, ("old",))]


def test_without_a_time_the_words_tell_what_is_here_already(tmp_path: Path) -> None:
    """A file that does not say when something was said is read in at another moment each time."""
    one = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    other = [one[0], {"role": "assistant", "content": "good day"}]
    path = tmp_path / "messages.jsonl"
    path.write_text("".join(json.dumps({"messages": each}) + "\n" for each in (one, other, one)))
    with Chats.in_memory() as chats:
        assert [chat is None for chat in keep(read(path).dialogues, chats)] == [False, False, True]
        assert keep(read(path).dialogues, chats) == [None] * 3


def test_one_that_fails_is_not_there_by_half(tmp_path: Path) -> None:
    whole = Dialogue((Turn(1, None, "user", "whole", AT),), 1)
    torn = Dialogue((Turn(1, None, "user", "torn", AT), Turn(2, 9, "user", "off", AT)), 1)
    path = tmp_path / "chats.sqlite3"
    with Chats(path) as chats:
        with pytest.raises(KeyError):
            keep([whole, torn], chats)
        assert [one.title for one in chats.list()] == ["whole"]
        assert chats.search("torn") == []
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_what_was_imported_is_found() -> None:
    with Chats.in_memory() as chats:
        keep([Dialogue((Turn(7, None, "user", "Where are the Azores?", AT),), 7)], chats)
        assert [hit.snippet for hit in chats.search("azores")] == ["Where are the Azores?"]
        assert chats.find("azores").title == "Where are the Azores?"
