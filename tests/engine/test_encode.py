"""A prompt to tokens: nothing a person writes becomes a control token."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.encode import encode_prompt
from runner.llama.model import LlamaModel
from runner.llama.vocabulary import Vocabulary
from runner.prompt import Prompt, Segment

MARKS = ["<think>", "</think>", "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>",
         "<tool_call>", "<|im_start|>", "<|im_end|>", "<"]  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary(tiny_path: Path) -> Iterator[Vocabulary]:
    model = LlamaModel(tiny_path, gpu_layers=0)
    yield model.vocabulary
    model.close()


def prompt_of(*segments: tuple[str, str]) -> Prompt:
    made = tuple(Segment(text, origin) for text, origin in segments)  # type: ignore[arg-type]
    return Prompt(segments=made, opening="answer", marks=None, tool_marks=None)


def text_of(vocabulary: Vocabulary, tokens: list[int]) -> str:
    return b"".join(vocabulary.piece(token) for token in tokens).decode("utf-8", "replace")


contents = st.lists(st.sampled_from(MARKS) | st.text(max_size=8), max_size=12).map("".join)


@given(content=contents)
def test_content_holds_no_mark_and_loses_nothing(vocabulary: Vocabulary, content: str) -> None:
    tokens = vocabulary.encode_content(content)
    assert not [token for token in tokens if token in vocabulary.marks]
    assert text_of(vocabulary, tokens) == content.encode("utf-8", "replace").decode()


def test_the_same_text_from_the_template_is_a_mark(vocabulary: Vocabulary) -> None:
    (token,) = vocabulary.encode("</think>", marks=True)
    assert vocabulary.marks[token] == "</think>"


def test_without_splitting_a_user_defined_mark_would_be_forged(vocabulary: Vocabulary) -> None:
    """The trap this guards against, so that it is noticed should llama.cpp mend it."""
    (token,) = vocabulary.encode("</think>", marks=False)
    assert token in vocabulary.marks


def test_bos_is_there_once(vocabulary: Vocabulary) -> None:
    bos = vocabulary.piece(vocabulary.bos).decode()
    written = encode_prompt(prompt_of((bos + "a", "template")), vocabulary)
    added = encode_prompt(prompt_of(("a", "template")), vocabulary)
    assert written == added
    assert written.count(vocabulary.bos) == 1


def test_a_space_the_template_ends_with_goes_to_the_word_after_it(vocabulary: Vocabulary) -> None:
    split = encode_prompt(prompt_of(("Say: ", "template"), ("hello", "content")), vocabulary)
    whole = encode_prompt(prompt_of(("Say: hello", "content")), vocabulary)
    assert split == whole


def test_r1_and_llama_vocabularies(shared: Path) -> None:
    """A sentencepiece vocabulary puts no space where the prompt has none."""
    model = LlamaModel(shared / "models" / "stories260K-F32.gguf", gpu_layers=0)
    try:
        vocabulary = model.vocabulary
        parts = encode_prompt(
            prompt_of(("One day,\n", "template"), ("Lily", "content")), vocabulary
        )
        assert text_of(vocabulary, parts).removeprefix("<s>").lstrip() == "One day,\nLily"
    finally:
        model.close()
