"""What a model may say before an answer that is held to something: marks, and line breaks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine.constraint import Constraint
from runner.engine.model import Model
from runner.engine.opening import BREAKS, Opening
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.prompt import Prompt
from runner.prompt.segments import Kind, Marks, Segment

THINK = Marks("<think>", "</think>")
# The frame of a format of channels, made of marks that the shipped vocabulary has.
CHANNELS = Marks("<tool_call>", "</tool_call>", around=("<｜User｜>final", "<tool_response>"))
NUMBER = Constraint.regex("[0-9]{3}")


@pytest.fixture(scope="module")
def model(tiny_path: Path) -> Iterator[Model]:
    with Model.open(tiny_path, Placement(1024, 0, None, 1, "f16")) as model:
        yield model


def prompt(marks: Marks | None, opening: Kind = "answer") -> Prompt:
    return Prompt((Segment("1 2 3", "content"),), opening, marks)


def opening(model: Model, marks: Marks | None, kind: Kind = "answer") -> Opening:
    return Opening(prompt(marks, kind), model.vocabulary)


def takes(model: Model, before: Opening, text: str) -> list[bool]:
    return [before.takes(token) for token in model.vocabulary.encode(text, marks=True)]


def test_a_mark_is_taken_once(model: Model) -> None:
    before = opening(model, THINK)
    assert takes(model, before, "\n") == [False]
    assert takes(model, before, "<think>") == [True]
    assert takes(model, before, "\n" * (BREAKS + 1)) == [True] * BREAKS + [False]
    assert takes(model, before, "<think>") == [False]


def test_reasoning_that_the_prompt_opened_is_not_opened_again(model: Model) -> None:
    before = opening(model, THINK, "reasoning")
    assert takes(model, before, "<think>") == [False]
    assert takes(model, before, "\n") == [True]
    assert takes(model, before, "4") == [False]


def test_what_a_mark_begins_with_has_to_be_finished(model: Model) -> None:
    encode = model.vocabulary.encode
    final = encode("<｜User｜>final", marks=True)
    before = opening(model, CHANNELS)
    assert before.rest() == ()
    assert takes(model, before, "<｜User｜>") == [True]
    assert takes(model, before, "7") == [False]
    assert before.rest() == tuple(final[1:])
    assert takes(model, before, "<｜User｜>") == [False]
    assert takes(model, before, "<tool_response>") == [True]


def test_marks_in_letters_are_left_to_the_grammar(model: Model) -> None:
    assert takes(model, opening(model, Marks("<mull>", "</mull>")), "<") == [False]
    assert takes(model, opening(model, None), "\n") == [False]


def said(model: Model, asked: Prompt, options: Options) -> dict[str, str]:
    parts = {"reasoning": "", "answer": ""}
    for event in model.generate(asked, options):
        parts[event.kind] += event.text
    return parts


def test_a_model_that_opens_its_reasoning_itself_may(model: Model) -> None:
    """The bias makes it say nothing but the mark, which the grammar has no place for; opened over
    and over the reasoning stays empty."""
    mark = model.vocabulary.encode("<think>", marks=True)[0]
    options = Options(
        sampling=Sampling(temperature=0, logit_bias=((mark, 100.0),)),
        constraint=NUMBER,
        think_tokens=5,
    )
    stream = model.generate(prompt(THINK), options)
    events = list(stream)
    assert {event.kind for event in events} == {"answer"}
    assert re.fullmatch("[0-9]{3}", "".join(event.text for event in events))
    assert events[0].tokens[:5] == (mark,) * 5


@pytest.mark.parametrize("marks", [THINK, CHANNELS], ids=["lines", "frame"])
def test_no_tokens_of_reasoning_are_none(model: Model, marks: Marks) -> None:
    options = Options(sampling=Sampling(temperature=0), constraint=NUMBER, think_tokens=0)
    parts = said(model, prompt(marks, "reasoning"), options)
    assert parts["reasoning"] == ""
    assert re.fullmatch("[0-9]{3}", parts["answer"])
