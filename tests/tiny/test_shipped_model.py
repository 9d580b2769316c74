"""The model inside Runner is what its card says: its size, its form, its marks, and a few answers.

How well it answers is measured by `models/tiny/evaluate.py` on hundreds of held-out questions a
task; here only that it can do each thing at all, so that a broken file is noticed.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import runner
from runner.gguf import read_header
from runner.models import Ready
from runner.prompt import Message, parse_tool_calls


@pytest.fixture(scope="module")
def tiny() -> Iterator[Ready]:
    with runner.load("tiny", temperature=0, max_tokens=400) as model:
        yield model.ready


def reply(tiny: Ready, *messages: Message, **options: object) -> dict[str, str]:
    said = {"reasoning": "", "answer": "", "tool_call": ""}
    stream = tiny.reply(messages, **options)  # type: ignore[arg-type]
    for event in stream:
        said[event.kind] += event.text
    assert stream.finish.reason == "end"
    return said


def answer(tiny: Ready, question: str) -> str:
    said = reply(tiny, Message("user", question))
    assert said["reasoning"].strip(), "it thinks before it answers"
    return said["answer"]


def test_size_and_form(tiny_path: Path) -> None:
    header = read_header(tiny_path)
    assert header.file_bytes <= 5e6
    assert header.architecture in ("llama", "qwen3")
    assert header.of_architecture("context_length") >= 2048
    matrices = [tensor for tensor in header.tensors if len(tensor.shape) == 2]
    assert {tensor.type for tensor in matrices} == {"Q8_0"}
    parameters = sum(int(tensor.shape[0] * tensor.shape[1]) for tensor in matrices)
    assert 1e6 <= parameters <= 4e6
    assert header.metadata["tokenizer.ggml.tokens"] <= 4096


def test_digits_are_single_tokens_and_marks_are_tokens(tiny: Ready) -> None:
    vocabulary = tiny.model.vocabulary
    assert len(vocabulary.encode("0123456789", marks=False)) == 10
    named = set(vocabulary.marks.values())
    assert {"<think>", "</think>", "<｜User｜>", "<｜Assistant｜>", "<tool_call>"} <= named


def test_the_template_opens_reasoning_and_drops_it_from_the_history(tiny: Ready) -> None:
    past = Message("assistant", "Hello!", reasoning="a secret thought")
    prompt = tiny.template.render([Message("user", "hi"), past, Message("user", "bye")])
    assert prompt.opening == "reasoning"
    assert prompt.text.endswith("<think>\n")
    assert "secret" not in prompt.text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is 12 + 30?", "42"),
        ("What is 81 - 20?", "61"),
        ("Which is bigger, 45 or 54?", "54"),
        ("Sort 5, 3, 9", "3, 5, 9"),
        ("Spell banana", "b-a-n-a-n-a"),
        ("Who are you?", "tiny"),
    ],
)
def test_it_can(tiny: Ready, question: str, expected: str) -> None:
    assert expected.lower() in answer(tiny, question).lower()


def test_it_says_so_when_it_was_not_taught(tiny: Ready) -> None:
    assert "not" in answer(tiny, "What is the capital of Portugal?").lower()


CALCULATOR = {
    "type": "function",
    "function": {
        "name": "calculator",
        "description": "Work out an arithmetic expression.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
    },
}


def test_it_calls_a_tool_and_uses_the_answer(tiny: Ready) -> None:
    question = Message("user", "What is 12 times 34?")
    said = reply(tiny, question, tools=[CALCULATOR])
    (call,) = parse_tool_calls(said["tool_call"])
    assert call.name == "calculator"
    assert set("1234") <= set(json.dumps(call.arguments))
    asked = Message("assistant", "", tool_calls=(call,))
    result = Message("tool", "408")
    assert "408" in reply(tiny, question, asked, result, tools=[CALCULATOR])["answer"]
