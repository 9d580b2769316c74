"""Every kind of cache: full, sliding-window, recurrent, hybrid, latent.

Some cannot drop the end of a sequence, some lose old positions: the engine must notice and read
again, so that a reply never depends on what was asked before, beside it, or in another process.
"""

import random
from pathlib import Path

import numpy as np
import pytest

from runner.engine.adapters import Adapters, Scaled
from runner.engine.model import Model
from runner.fit import Placement
from runner.gguf import read_header
from runner.kvstore import Store
from runner.llama.context import Batch, LlamaContext
from tests.engine.adapter_files import write_vector
from tests.engine.kinds import KINDS, ROUNDING, ask, assert_alike, folder, path_of, reply, said

COMMON = [1 + step * 7 % 100 for step in range(120)]
FIRST = [*COMMON, *[11, 12, 13, 14] * 10]
SECOND = [*COMMON, 21, 22, 23]
LONG = [1 + step * 7 % 100 for step in range(600)]


def opened(path: Path, *, context: int = 512, sequences: int = 4) -> Model:
    return Model.open(path, Placement(context, 0, None, 1, "f16", sequences=sequences))


def test_all_of_them_are_here(shared: Path) -> None:
    assert sorted(path.stem for path in folder(shared).glob("*.gguf")) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_does_not_depend_on_what_was_asked_before(shared: Path, kind: str) -> None:
    path = path_of(shared, kind)
    with opened(path, context=256) as fresh:
        expected = reply(fresh, SECOND)
        assert expected.reused == 0
    with opened(path, context=256) as model:
        reply(model, FIRST)
        assert_alike(expected, reply(model, SECOND))
        # Going on from a prompt that is still there needs no forgetting beyond the reply.
        reply(model, FIRST)
        assert_alike(expected, reply(model, SECOND))


def test_a_full_cache_is_reused_up_to_where_the_prompts_part(shared: Path) -> None:
    with opened(path_of(shared, "qwen3-dense"), context=256) as model:
        reply(model, FIRST)
        assert reply(model, SECOND).reused == len(COMMON)


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_asked_again_is_not_read_again(shared: Path, kind: str) -> None:
    """The reply has to be forgotten for that, which some caches can only from a snapshot."""
    with opened(path_of(shared, kind), sequences=1) as model:
        expected = reply(model, FIRST)
        for _ in range(2):
            again = reply(model, FIRST)
            assert_alike(expected, again)
            assert again.reused == len(FIRST) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_several_at_once_are_answered_as_alone(shared: Path, kind: str) -> None:
    prompts = [FIRST, SECOND, COMMON[5:60], [9, 8, 7]]
    with opened(path_of(shared, kind), sequences=1) as model:
        alone = [reply(model, prompt) for prompt in prompts]
    with opened(path_of(shared, kind)) as model:
        streams = [ask(model, prompt) for prompt in prompts]
        for expected, stream in zip(alone, streams, strict=True):
            assert_alike(expected, said(stream))


@pytest.mark.parametrize("kind", KINDS)
def test_many_requests_in_any_order_are_answered_as_alone(shared: Path, kind: str) -> None:
    """They share beginnings, come while others are under way, and some are cancelled."""
    draw = random.Random(kind)
    prompts = [
        [*COMMON[: draw.randrange(1, 120)], *draw.choices(range(1, 100), k=draw.randrange(1, 40))]
        for _ in range(6)
    ]
    with opened(path_of(shared, kind), sequences=1) as model:
        alone = [reply(model, prompt, reuse=False) for prompt in prompts]
    with opened(path_of(shared, kind), context=1024, sequences=3) as model:
        for _ in range(4):
            order = draw.choices(range(len(prompts)), k=5)
            streams = [(number, ask(model, prompts[number])) for number in order]
            for number, stream in streams:
                if draw.random() < 0.3:
                    next(stream)
                    stream.cancel()
                    stream.drain()
                else:
                    assert_alike(alone[number], said(stream), at_least=1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cancelled_leaves_no_trace(shared: Path, kind: str) -> None:
    """In the middle of a batch, so that part of it may be in the cache."""
    with opened(path_of(shared, kind), context=1024, sequences=1) as model:
        expected = reply(model, LONG, reuse=False)
        for prompt in (LONG, FIRST, LONG):
            stream = ask(model, prompt)
            stream.cancel()
            stream.drain()
        stream = ask(model, LONG, max_tokens=None)
        for _ in range(3):
            next(stream)
        stream.cancel()
        stream.drain()
        assert_alike(expected, reply(model, LONG))


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_process_goes_on_where_this_one_stopped(
    shared: Path, tmp_path: Path, kind: str
) -> None:
    path, placement = path_of(shared, kind), Placement(1024, 0, None, 1, "f16")

    def kept() -> Model:
        return Model.open(path, placement, store=Store(tmp_path, 10**9), identity="this file")

    with kept() as model:
        tokens = reply(model, LONG).tokens
    longer = [*LONG, *tokens[:-1], 5, 6, 7]
    with Model.open(path, placement) as model:
        expected = reply(model, longer)
    with kept() as model:
        again = reply(model, longer)
    assert_alike(expected, again)
    assert again.reused == len(longer) - 3


@pytest.mark.parametrize("kind", KINDS)
def test_guessing_ahead_changes_nothing(
    shared: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply repeats what the prompt ends with, then goes another way: right guesses and wrong
    ones. Caches that cannot forget a wrong one make none."""
    recorded = (*[11, 12, 13, 14] * 3, 11, 12, 90, 91, *[11, 12, 13, 14] * 2, 92)
    steps = 0
    decode = LlamaContext.decode

    def counted(context: LlamaContext, batch: Batch) -> None:
        nonlocal steps
        steps += 1
        decode(context, batch)

    monkeypatch.setattr(LlamaContext, "decode", counted)

    def logprobs(model: Model, *, speculate: bool) -> tuple[list[float], int]:
        nonlocal steps
        steps = 0
        stream = ask(
            model, FIRST, replay=recorded, max_tokens=None, reuse=False, speculate=speculate
        )
        found = [one.logprob for event in stream for one in event.logprobs]
        return found, steps

    with opened(path_of(shared, kind), sequences=1) as model:
        plain, one_by_one = logprobs(model, speculate=False)
        guessed, fewer = logprobs(model, speculate=True)
        assert guessed == pytest.approx(plain, abs=ROUNDING)
        assert len(guessed) == len(recorded)
        assert (fewer == one_by_one) if model._context.forgetful else (fewer < one_by_one)
        assert_alike(reply(model, FIRST), reply(model, FIRST, speculate=True))


@pytest.mark.parametrize("kind", KINDS)
def test_other_adapters_start_from_nothing(shared: Path, tmp_path: Path, kind: str) -> None:
    path = path_of(shared, kind)
    width = read_header(path).of_architecture("embedding_length")
    layers = read_header(path).of_architecture("block_count")
    drawn = np.random.default_rng(4).normal(0, 1, (layers, width)).astype(np.float32)
    vector = write_vector(tmp_path / "v.gguf", {layer: drawn[layer] for layer in range(1, layers)})
    steered = Adapters(control_vectors=(Scaled(vector),))
    with opened(path) as model:
        plain = reply(model, FIRST)
    with Model.open(path, Placement(512, 0, None, 1, "f16"), adapters=steered) as model:
        expected = reply(model, FIRST)
    assert expected.tokens != plain.tokens
    with opened(path) as model:
        for adapters, alone in ((Adapters(), plain), (steered, expected), (Adapters(), plain)):
            model.adapt(adapters)
            found = reply(model, FIRST)
            assert found.reused == 0
            assert_alike(alone, found)
