"""A conversation with the shipped model: whose turn it is, and what is kept."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from runner import models
from runner.chat import Conversation
from runner.errors import PromptTooLong
from runner.models import Ready
from runner.prompt import Message
from runner.settings import load
from tests.chat.endless import endless


@pytest.fixture(scope="module")
def model() -> Iterator[Ready]:
    with models.ready(models.shipped(), load({"temperature": 0, "threads": 1})) as ready:
        yield ready


@pytest.fixture
def conversation(model: Ready) -> Conversation:
    return Conversation(model)


def roles(conversation: Conversation) -> list[str]:
    return [turn.role for turn in conversation.turns]


def read_ahead(model: Ready) -> None:
    deadline = time.monotonic() + 30
    while model.model.reading_ahead:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_reply_joins_the_turns_when_it_ends(conversation: Conversation) -> None:
    reply = conversation.send("hello")
    assert roles(conversation) == ["user"]
    events = list(reply)
    assert roles(conversation) == ["user", "assistant"]
    said = conversation.turns[-1]
    assert said.content == reply.text("answer").strip() != ""
    assert said.reasoning == reply.text("reasoning").strip() != ""
    assert "".join(event.text for event in events if event.kind == "answer") == reply.text("answer")
    assert reply.finish.reason == "end"


def test_the_next_prompt_begins_with_what_was_said(conversation: Conversation) -> None:
    first, second = conversation.send("hello"), None
    list(first)
    second = conversation.send("hello again")
    list(second)
    assert roles(conversation) == ["user", "assistant"] * 2
    timings = second.finish.timings
    assert timings.prompt_tokens > first.finish.timings.prompt_tokens
    assert timings.reused_tokens >= first.finish.timings.prompt_tokens - 3


def test_the_last_answer_is_read_before_the_next_question_comes(
    conversation: Conversation, model: Ready
) -> None:
    """Without its reasoning, as the next prompt will have it."""
    list(conversation.send("My name is Anna."))
    read_ahead(model)
    again = conversation.send("What is my name?")
    list(again)
    timings = again.finish.timings
    question = len(model.model.vocabulary.encode("What is my name?", marks=False))
    assert timings.prompt_tokens - timings.reused_tokens < question + 10


def test_what_is_typed_is_read_before_it_is_sent(conversation: Conversation, model: Ready) -> None:
    """But for the last word, which may still change; also where the turn comes out otherwise."""
    typed = "Sort 431, 25, 736, 98, 512 and 60"
    conversation.expect(typed)
    read_ahead(model)
    asked = conversation.send(typed + "1")
    list(asked)
    timings = asked.finish.timings
    assert timings.prompt_tokens - timings.reused_tokens < 10
    conversation.clear()
    other = conversation.send("hello")
    list(other)
    assert other.text("answer").startswith("Hello!")


def test_what_was_said_before_a_stop_is_kept(
    model: Ready, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(model, "options", replace(model.options, sampling=endless(model)))
        reply = conversation.send("hello")
        heard = [next(reply), next(reply)]
        reply.cancel()
        heard += list(reply)
    assert reply.finish.reason == "cancelled"
    assert roles(conversation) == ["user", "assistant"]
    said = conversation.turns[-1]
    text = "".join(event.text for event in heard if event.kind == "reasoning")
    assert said.reasoning == text.strip()
    list(conversation.send("hello"))
    assert roles(conversation) == ["user", "assistant"] * 2


def test_leaving_the_block_stops_the_reply(conversation: Conversation) -> None:
    with pytest.raises(KeyboardInterrupt), conversation.send("Spell the word elephant.") as reply:
        next(reply)
        raise KeyboardInterrupt
    assert reply.ended
    assert roles(conversation) == ["user", "assistant"]


def test_a_question_stopped_before_its_first_word_is_taken_back(
    conversation: Conversation,
) -> None:
    reply = conversation.send("word " * 1500)
    reply.cancel()
    events = list(reply)
    assert not events
    assert reply.finish.reason == "cancelled"
    assert conversation.turns == ()


def test_one_reply_at_a_time(conversation: Conversation) -> None:
    with conversation.send("hello"):
        for meddle in (lambda: conversation.send("and"), conversation.clear):
            with pytest.raises(RuntimeError):
                meddle()
    list(conversation.send("hello"))


def test_a_prompt_that_does_not_fit_is_taken_back_whole(conversation: Conversation) -> None:
    list(conversation.send("hello"))
    before = conversation.turns
    with pytest.raises(PromptTooLong):
        conversation.send("word " * 3000)
    assert conversation.turns == before
    list(conversation.send("hello"))
    assert len(conversation.turns) == 4


def test_take_back_and_clear(conversation: Conversation) -> None:
    assert conversation.take_back() is None
    list(conversation.send("hello"))
    list(conversation.send("hello again"))
    assert conversation.take_back() == "hello again"
    assert roles(conversation) == ["user", "assistant"]
    conversation.system = "Be brief."
    conversation.clear()
    assert conversation.messages == (Message("system", "Be brief."),)


def test_regenerate_replaces_the_last_reply(conversation: Conversation) -> None:
    assert conversation.regenerate() is None
    list(conversation.send("hello"))
    before = conversation.turns
    again = conversation.regenerate()
    assert again is not None
    list(again)
    assert conversation.turns == before


def test_progress_counts_the_tokens_read(conversation: Conversation) -> None:
    seen: list[tuple[int, int]] = []
    reply = conversation.send("hello " * 300, lambda done, total: seen.append((done, total)))
    with reply:
        next(reply)
    assert seen
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
