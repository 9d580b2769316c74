"""A question about documents that do not fit, with the shipped model in a small context."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner import models
from runner.chat import Conversation
from runner.chat.chats import Chats
from runner.chat.parts import InParts, Step
from runner.chat.sizes import prompt_tokens, require_room, tokens_of
from runner.chat.turns import READ_IN_PARTS, Attachment, composed
from runner.engine.constraint import Constraint
from runner.engine.options import Options
from runner.errors import PromptTooLong
from runner.models import Ready
from runner.prompt import Message
from runner.settings import load

CONTEXT = 1024


@pytest.fixture(scope="module")
def model() -> Iterator[Ready]:
    settings = load({"temperature": 0, "threads": 1, "ctx": CONTEXT})
    with models.ready(models.shipped(), settings) as ready:
        yield ready


def saying(model: Ready, answer: str) -> Options:
    """Options with which the model says just this, after a thought."""
    vocabulary = model.model.vocabulary
    tokens = vocabulary.encode(f"Hm.</think>{answer}", marks=True)
    return replace(model.options, replay=(*tokens, vocabulary.eos))


def book(words: int, name: str = "book.txt") -> Attachment:
    lines = (f"{name[0]}{number} is a line of it.\n\n" for number in range(words // 6))
    return Attachment(name, "text", "".join(lines))


def play(steps: InParts) -> list[Step]:
    played = []
    for step in steps:
        for _event in step.begin():
            pass
        played.append(step)
    return played


def test_each_part_is_asked_and_the_answers_are_joined(model: Ready) -> None:
    long, short = book(900), book(30, "note.md")
    steps = InParts(
        model, "Who?", [long, short], system="Be brief.", options=saying(model, "It is Ada.")
    )
    played = play(steps)
    parts = played[:-1]
    assert len(parts) == len(steps.parts) > 2
    assert [step.last for step in played] == [False] * len(parts) + [True]
    assert parts[0].title == f"part 1 of {len(parts)}: book.txt, part 1 of {len(parts)}"
    assert "note.md" in parts[-1].title and "book.txt" in parts[-1].title  # there was room
    given = [piece for part in steps.parts for piece in part]
    assert "".join(one.text for one in given if "book" in one.name) == long.text
    assert "".join(one.text for one in given if "note" in one.name) == short.text
    for step in played:
        assert step.messages[0] == Message("system", "Be brief.")
        assert step.messages[1].content.endswith("Question: Who?")
        assert prompt_tokens(model, step.messages) <= CONTEXT * 3 // 4
        assert step.answer == "It is Ada."
    assert played[-1].title == "answers joined"
    assert played[-1].messages[1].content.count("\nIt is Ada.\n") == len(parts)


def test_on_the_way_answers_are_short_and_free(model: Ready) -> None:
    either = Constraint.choices(("yes", "no"))
    wanted = replace(saying(model, "yes"), constraint=either, logprobs=1)
    first, *_, last = play(InParts(model, "Is it?", [book(900)], options=wanted))
    assert (first.options.constraint, first.options.logprobs) == (None, None)
    assert (first.options.max_tokens, first.options.think_tokens) == (CONTEXT // 4, CONTEXT // 8)
    assert last.options == wanted
    less = replace(wanted, max_tokens=5, think_tokens=0)
    step = next(iter(InParts(model, "Is it?", [book(900)], options=less)))
    assert (step.options.max_tokens, step.options.think_tokens) == (5, 0)


def test_answers_too_long_to_be_joined_at_once_are_joined_in_rounds(model: Ready) -> None:
    chatty = saying(model, "It is a long story of many words. " * 18)
    played = play(InParts(model, "Who?", [book(1200)], options=chatty))
    titles = [step.title for step in played]
    rounds = [title for title in titles if title.startswith("answers joined, ")]
    assert rounds and titles[-1] == "answers joined"
    for step in played:
        assert prompt_tokens(model, step.messages) < CONTEXT


def test_what_fits_is_asked_at_once(model: Ready) -> None:
    asked = Message("user", composed("Who?", (book(60),)))
    (only,) = InParts(model, "Who?", [book(60)])
    assert (only.last, only.messages, only.options) == (True, [asked], model.options)


def test_after_a_stop_there_are_no_more_steps(model: Ready) -> None:
    steps = iter(InParts(model, "Who?", [book(900)]))
    reply = next(steps).begin()
    next(reply)
    reply.cancel()
    for _event in reply:
        pass
    assert reply.finish.reason == "cancelled"
    assert list(steps) == []
    unplayed = InParts(model, "Who?", [book(900)])
    assert len(list(unplayed)) == 1


def test_progress_is_told(model: Ready) -> None:
    told: list[tuple[int, int]] = []
    step = next(iter(InParts(model, "Who?", [book(900)], options=saying(model, "Ada"))))
    for _event in step.begin(lambda done, total: told.append((done, total))):
        pass
    assert told and told[-1][0] == told[-1][1]


def test_a_question_that_leaves_no_room_for_a_part(model: Ready) -> None:
    with pytest.raises(PromptTooLong, match=r"have \d+ tokens; to be asked of one part .*, 170 in"):
        InParts(model, "Who? " * 200, [book(900)])


def test_what_does_not_fit_is_told_in_counts(model: Ready) -> None:
    documents = (book(900), book(30, "note.md"))
    message = Message("user", composed("Who?", documents))
    counts = [tokens_of(model, one) for one in documents]
    with pytest.raises(PromptTooLong) as refused:
        require_room(model, [message], documents)
    rest = prompt_tokens(model, [message]) - sum(counts)
    assert refused.value.message == (
        f"book.txt has {counts[0]} tokens, note.md has {counts[1]} tokens, "
        f"the rest of the prompt {rest}, and the context holds {CONTEXT}"
    )
    assert 0 < rest < 20
    require_room(model, [Message("user", composed("Who?", documents[1:]))], documents[1:])


def in_parts(*documents: Attachment) -> list[Attachment]:
    return [replace(one, in_parts=True) for one in documents]


def test_in_a_conversation_it_is_one_reply(model: Ready) -> None:
    """The documents stay with the question, and later prompts name them."""
    saying_it = replace(model, options=saying(model, "It is Ada."))
    conversation = Conversation(saying_it, Chats.in_memory().begin(model="tiny"))
    documents = in_parts(book(900), book(30, "note.md"))
    reply = conversation.send("Who?", documents)
    events = list(reply)
    assert reply.text("answer") == "It is Ada."
    assert [event.at for event in events] == sorted(event.at for event in events)
    question, answer = conversation.turns
    assert (question.content, list(question.attachments)) == ("Who?", documents)
    assert answer.content == "It is Ada."
    titles = [line for line in answer.reasoning.splitlines() if line.startswith("part ")]
    assert titles[0] == f"part 1 of {len(titles)}: book.txt, part 1 of {len(titles)}"
    assert answer.reasoning.count("It is Ada.") == len(titles) > 2
    assert answer.timings["reply_tokens"] == reply.finish.timings.reply_tokens > 0
    assert conversation.messages[0].content == (
        f'<file name="book.txt">\n{READ_IN_PARTS}\n</file>\n\n'
        f'<file name="note.md">\n{READ_IN_PARTS}\n</file>\n\nWho?'
    )


def test_to_answer_again_reads_the_parts_again(model: Ready) -> None:
    saying_it = replace(model, options=saying(model, "It is Ada."))
    conversation = Conversation(saying_it, Chats.in_memory().begin(model="tiny"))
    list(conversation.send("Who?", in_parts(book(900))))
    first = conversation.turns[0]
    for begin in (
        conversation.regenerate,
        conversation.again,
        lambda: conversation.edit(first, "Who is it?", first.attachments),
    ):
        reply = begin()
        assert reply is not None
        list(reply)
        assert "part 1 of " in conversation.turns[-1].reasoning
        assert conversation.turns[0].attachments == first.attachments


def test_what_was_said_of_the_parts_is_kept_as_it_is_said(model: Ready, tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    with Chats(path) as chats, Chats(path) as others:
        conversation = Conversation(model, chats.begin(model="tiny"))
        with conversation.send("Who?", in_parts(book(900))) as reply:
            first = next(reply)
            deadline = time.monotonic() + 30
            while len(turns := others.open(1).turns()) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert turns[0].attachments[0].text == book(900).text
            assert turns[1].reasoning.strip() == first.text.strip()
        assert conversation.turns[1].ended == "cancelled"
        stopped = conversation.send("Who?", in_parts(book(900)))
        stopped.cancel()
        assert not list(stopped)
        assert len(conversation.turns) == 2


def test_what_has_come_to_fit_is_asked_at_once(model: Ready) -> None:
    conversation = Conversation(model, Chats.in_memory().begin(model="tiny"))
    list(conversation.send("Who?", in_parts(book(60))))
    assert "part 1" not in conversation.turns[-1].reasoning
