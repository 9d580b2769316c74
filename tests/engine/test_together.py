"""Several requests on one context: each reply is what it would be alone, and reuse never shows."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from runner.engine.events import Finish
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.engine.stream import Stream
from runner.fit import Placement
from runner.prompt import ChatTemplate, Message

GREEDY = Sampling(temperature=0)
QUESTIONS = [
    "What is 12 + 30?",
    "Sort 5, 3, 9",
    "Spell banana",
    "Which is bigger, 45 or 54?",
    "Who are you?",
    "What is 81 - 20?",
    "hello",
    "Reverse lemon",
]


def opened(path: Path, context: int = 2048, sequences: int = 4) -> Model:
    return Model.open(path, Placement(context, 0, None, 1, "f16", sequences=sequences))


@pytest.fixture(scope="module")
def model(tiny_f32: Path) -> Iterator[Model]:
    with opened(tiny_f32) as model:
        yield model


@pytest.fixture(scope="module")
def template(model: Model) -> ChatTemplate:
    vocabulary = model.vocabulary
    bos = vocabulary.piece(vocabulary.bos).decode()
    eos = vocabulary.piece(vocabulary.eos).decode()
    return ChatTemplate(model.template_source, bos=bos, eos=eos, marks=None, fold_system=False)


@pytest.fixture(scope="module")
def prompts(model: Model, template: ChatTemplate) -> list[list[int]]:
    return [model.encode(template.render([Message("user", text)])) for text in QUESTIONS]


@pytest.fixture(scope="module")
def alone(tiny_f32: Path, prompts: list[list[int]]) -> list[list[int]]:
    """What each question gets from a context that never held anything else."""
    replies = []
    for prompt in prompts:
        with opened(tiny_f32, sequences=1) as fresh:
            replies.append(said(ask(fresh, prompt)))
    return replies


def ask(model: Model, prompt: Sequence[int], max_tokens: int = 60) -> Stream:
    return model.generate(prompt, Options(sampling=GREEDY, max_tokens=max_tokens))


def said(stream: Stream) -> list[int]:
    return [token for event in stream for token in event.tokens]


def test_together_as_alone(model: Model, prompts: list[list[int]], alone: list[list[int]]) -> None:
    """Twice as many as there are sequences: the rest wait their turn."""
    streams = [ask(model, prompt) for prompt in prompts]
    assert [said(stream) for stream in streams] == alone
    assert {stream.finish.reason for stream in streams} == {"end"}


def test_one_is_cancelled_and_the_others_go_on(
    model: Model, prompts: list[list[int]], alone: list[list[int]]
) -> None:
    endless = model.generate(prompts[0], Options(sampling=GREEDY, ignore_end=True))
    others = [ask(model, prompt) for prompt in prompts[1:3]]
    next(endless)
    endless.cancel()
    assert endless.drain().reason == "cancelled"
    assert [said(stream) for stream in others] == alone[1:3]


def test_one_that_waits_can_be_cancelled(model: Model, prompts: list[list[int]]) -> None:
    busy = [model.generate(prompts[0], Options(sampling=GREEDY, ignore_end=True)) for _ in range(4)]
    waiting = ask(model, prompts[1])
    waiting.cancel()
    finish = waiting.drain()
    assert (finish.reason, finish.timings.reply_tokens) == ("cancelled", 0)
    for stream in busy:
        stream.cancel()
        stream.drain()


def test_closing_ends_all_that_is_under_way(tiny_f32: Path, prompts: list[list[int]]) -> None:
    model = opened(tiny_f32, sequences=2)
    streams = [
        model.generate(prompts[0], Options(sampling=GREEDY, ignore_end=True)) for _ in range(5)
    ]
    finishes: list[Finish] = []
    readers = [
        threading.Thread(target=lambda stream=stream: finishes.append(stream.drain()))
        for stream in streams
    ]
    for reader in readers:
        reader.start()
    next(streams[0], None)
    model.close()
    for reader in readers:
        reader.join(30)
    assert len(finishes) == 5


def test_a_branch_keeps_both_ends(
    tiny_f32: Path, prompts: list[list[int]], alone: list[list[int]]
) -> None:
    """Two questions after one long beginning, each asked again: nothing is read twice."""
    with opened(tiny_f32) as model:
        beginning = prompts[4] + alone[4] + prompts[5][1:]
        first, second = [*beginning, 7, 8, 9], [*beginning, 10, 11, 12]
        said_first, said_second = said(ask(model, first)), said(ask(model, second))
        again = ask(model, first)
        assert said(again) == said_first
        assert again.finish.timings.reused_tokens == len(first) - 1
        again = ask(model, second)
        assert said(again) == said_second
        assert again.finish.timings.reused_tokens == len(second) - 1


def test_a_beginning_is_taken_from_a_reply_under_way(
    model: Model, prompts: list[list[int]], alone: list[list[int]]
) -> None:
    endless = model.generate(prompts[4], Options(sampling=GREEDY, ignore_end=True))
    next(endless)
    same = ask(model, prompts[4])
    assert said(same) == alone[4]
    assert same.finish.timings.reused_tokens == len(prompts[4]) - 1
    endless.cancel()
    endless.drain()


def test_where_the_context_is_too_small_for_all_they_take_turns(
    tiny_f32: Path, prompts: list[list[int]]
) -> None:
    def reply(model: Model, prompt: list[int]) -> Stream:
        return model.generate(prompt, Options(sampling=GREEDY, max_tokens=120, ignore_end=True))

    expected = []
    for prompt in prompts[:3]:
        with opened(tiny_f32, context=256, sequences=1) as fresh:
            expected.append(said(reply(fresh, prompt)))
    with opened(tiny_f32, context=256) as model:
        streams = [reply(model, prompt) for prompt in prompts[:3]]
        assert [said(stream) for stream in streams] == expected
        assert {stream.finish.reason for stream in streams} == {"length"}
