"""What is run: names, lengths and prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench import Workload, workloads
from runner.models import Ready


def test_names_are_the_fields() -> None:
    assert [test.name for test in workloads(512, 128, 4096)] == ["pp512", "tg128"]


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(2, 5000))
def test_lengths_are_those_asked_for_or_what_fits(prompt: int, reply: int, context: int) -> None:
    prefill, decode = workloads(prompt, reply, context)
    assert prefill.tokens == prompt or prefill.tokens == context - 1 < prompt
    assert decode.tokens == reply or decode.tokens == context - 1 < reply
    for test in (prefill, decode):
        assert test.tokens >= 1
        # The engine refuses a prompt that fills the context, and stops a reply where it is full.
        # A reply's last token is sampled and not decoded.
        assert test.prompt_tokens < context
        assert test.prompt_tokens + test.reply_tokens - 1 <= context


def test_prompts_are_repeatable_and_differ_from_the_first_token_on(tiny: Ready) -> None:
    vocabulary = tiny.model.vocabulary
    prefill = Workload("prefill", 64)
    prompts = [prefill.prompt(vocabulary, seed) for seed in range(4)]
    assert prompts == [prefill.prompt(vocabulary, seed) for seed in range(4)]
    begins_with_bos = {prompt[0] == vocabulary.bos for prompt in prompts}
    assert begins_with_bos == {vocabulary.add_bos}
    assert len({tuple(prompt[:4]) for prompt in prompts}) == 4
    for prompt in prompts:
        assert len(prompt) == 64
        assert all(0 <= token < vocabulary.size for token in prompt)


def test_a_decode_never_leaves_bos_in_the_cache(
    tiny: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary, decode = tiny.model.vocabulary, Workload("decode", 8)
    drawn = decode.prompt(vocabulary, seed=0)
    assert len(drawn) == 1
    monkeypatch.setattr(vocabulary, "bos", drawn[0])
    (token,) = decode.prompt(vocabulary, seed=0)
    assert token != drawn[0] and 0 <= token < vocabulary.size
