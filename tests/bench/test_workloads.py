"""What is measured: names, lengths, prompts, texts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.workloads import TEXTS, Workload, synthetic, text_of, texts
from runner.models import Ready


def test_names_are_the_fields() -> None:
    found = synthetic([512], [128], [(512, 128)], [0, 4096], sampled=True)
    assert [one.name for one in found] == [
        "pp512", "tg128", "tg128-sampled", "pp512+tg128",
        "pp512@d4096", "tg128@d4096", "tg128-sampled@d4096", "pp512+tg128@d4096",
    ]  # fmt: skip


@given(st.integers(1, 600), st.integers(1, 600), st.integers(0, 600))
def test_a_context_holds_depth_prompt_and_reply(prompt: int, reply: int, depth: int) -> None:
    for one in synthetic([prompt], [reply], [(prompt, reply)], [depth]):
        # The last token of a reply is sampled and not decoded.
        assert one.context >= one.depth + max(one.prompt_tokens, 1) + one.sampled_tokens - 1


def test_the_hash_tells_workloads_apart_and_nothing_else() -> None:
    all_of_them = [*synthetic([8, 9], [8], [(8, 8)], [0, 4], sampled=True), *texts()]
    assert len({one.sha256 for one in all_of_them}) == len(all_of_them)
    assert Workload("a", "prefill", 8, 0).sha256 == Workload("b", "prefill", 8, 0).sha256


def test_prompts_are_repeatable_and_differ(tiny: Ready) -> None:
    vocabulary = tiny.model.vocabulary
    (prefill,) = synthetic([64])
    prompts = [prefill.tokens(vocabulary, random.Random(seed)) for seed in range(4)]
    assert prompts == [prefill.tokens(vocabulary, random.Random(seed)) for seed in range(4)]
    assert {prompt[0] == vocabulary.bos for prompt in prompts} == {vocabulary.add_bos}
    assert len({tuple(prompt[:4]) for prompt in prompts}) == 4
    assert all(0 <= token < vocabulary.size for prompt in prompts for token in prompt)


def test_texts_ship_and_others_do_not() -> None:
    assert [one.name for one in texts()] == list(TEXTS)
    assert all(len(one.text) > 300 and one.sampled and one.kind == "reply" for one in texts())
    with pytest.raises(KeyError):
        text_of("poetry")
