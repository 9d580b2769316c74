"""`runner.load` as a program uses it: synchronous and asynchronous."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import runner
from runner.chat.chats import Chats
from runner.chat.conversation import Conversation
from runner.chat.model import Model, ModelChat
from runner.chat.reply import Reply
from runner.errors import PromptTooLong
from tests.chat.endless import endless


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with runner.load("tiny", temperature=0, threads=1) as model:
        yield model


def hello() -> list[runner.Message]:
    return [runner.Message("user", "What is 12 + 30?")]


def test_a_conversation_is_held_in_a_few_lines(model: Model) -> None:
    with model.chat(system="Be brief.") as chat:
        assert "Anna" in chat.say("My name is Anna.")
        kinds = [event.kind for event in chat.send("What is my name?")]
        assert kinds[0] == "reasoning"
        assert "Anna" in chat.turns[-1].content
        assert chat.messages[0] == runner.Message("system", "Be brief.")


def test_only_what_is_to_be_saved_is(model: Model) -> None:
    with model.chat() as chat:
        chat.say("hello")
    with Chats() as chats:
        assert chats.list() == []
    with model.chat(save=True) as chat:
        chat.say("hello")
    with Chats() as chats:
        assert [one.title for one in chats.list()] == ["hello"]


def test_replies_and_completions_without_a_conversation(model: Model) -> None:
    said = "".join(event.text for event in model.reply(hello()) if event.kind == "answer")
    assert "42" in said
    assert model.complete("1 2 3").drain().timings.prompt_tokens > 3
    assert model.tokens("12") == 2
    assert model.context_length == 2048


def test_the_same_events_come_asynchronously(model: Model) -> None:
    async def asked() -> list[tuple[str, str]]:
        return [(event.kind, event.text) async for event in model.areply(hello())]

    expected = [(event.kind, event.text) for event in model.reply(hello())]
    assert asyncio.run(asked()) == expected


def test_several_replies_are_awaited_at_once(model: Model) -> None:
    async def both() -> tuple[str, str]:
        with model.chat() as one, model.chat() as other:
            return await asyncio.gather(one.asay("What is 12 + 30?"), other.asay("Spell banana"))

    first, second = asyncio.run(both())
    assert "42" in first
    assert "b-a-n-a-n-a" in second.lower()


def test_what_cannot_be_asked_is_raised_where_it_is_awaited(model: Model) -> None:
    async def ask() -> None:
        with model.chat() as chat:
            await chat.asay("word " * 3000)

    with pytest.raises(PromptTooLong):
        asyncio.run(ask())


def test_a_reply_that_says_nothing_has_no_answer(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no turn, and the answer before it is not taken for its own."""

    def stopped(*given: Any, **more: Any) -> Reply:
        reply = Conversation.send(*given, **more)
        reply.cancel()
        return reply

    async def ask(chat: ModelChat) -> str:
        return await chat.asay("word " * 1500)

    with model.chat() as chat:
        chat.say("What is 12 + 30?")
        monkeypatch.setattr(ModelChat, "send", stopped)
        assert asyncio.run(ask(chat)) == ""
        assert len(chat.turns) == 2


def test_what_the_command_line_would_remark_on_is_logged(
    caplog: pytest.LogCaptureFixture, tiny_path: Path, isolated: Path
) -> None:
    runner.load("tiny", ctx=256, draft=str(tiny_path), speculate=False).close()
    [record] = caplog.records
    assert record.name == "runner" and "guesses nothing" in record.message
    caplog.clear()
    (isolated / "data").mkdir(exist_ok=True)
    (isolated / "data" / "chats.sqlite3").write_bytes(b"not a database, " * 100)
    with runner.load("tiny", ctx=256) as model, model.chat(save=True):
        assert "damaged" in caplog.text


def test_a_cancelled_task_stops_its_reply_and_keeps_what_was_said(model: Model) -> None:
    options = replace(model.ready.options, sampling=endless(model.ready))

    async def hear(heard: list[str]) -> None:
        async for event in model.areply(hello(), options=options):
            heard.append(event.text)

    async def cancel() -> list[str]:
        heard: list[str] = []
        task = asyncio.create_task(hear(heard))
        while len(heard) < 3:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return heard

    assert len(asyncio.run(cancel())) < 500
    # Nothing goes on behind: the next is the only one, and is answered at once.
    assert model.reply(hello()).drain().reason == "end"


def test_leaving_a_loop_stops_the_reply(model: Model) -> None:
    async def leave() -> tuple[str, int]:
        with model.chat() as chat:
            events = chat.asend("Spell the word elephant.")
            event = await anext(events)
            await events.aclose()
            turn = chat.turns[-1]
            assert turn.reasoning.startswith(event.text.strip())
            return str(turn.ended), len(chat.turns)

    assert asyncio.run(leave()) == ("cancelled", 2)
