"""What is run: names, lengths and prompts."""

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
