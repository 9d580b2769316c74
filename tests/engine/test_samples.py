"""Several replies to one prompt: it is read once, and each reply is its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import SEEDS, Sampling
from runner.engine.stream import Stream
from runner.errors import ConfigurationError
from runner.fit import Placement
from runner.prompt import Prompt
from tests.engine.kinds import KINDS
from tests.engine.test_kinds_of_cache import FIRST

HOT = Options(
    sampling=Sampling(temperature=1.5, top_k=0, top_p=1, min_p=0, seed=SEEDS - 2),
    max_tokens=24,
    ignore_end=True,
)
LIKELIEST = replace(HOT, sampling=Sampling(temperature=0, seed=1))


def opened(path: Path, sequences: int = 4) -> Model:
    return Model.open(path, Placement(1024, 0, None, 1, "f16", sequences=sequences))


@pytest.fixture(scope="module")
def model(tiny_f32: Path) -> Iterator[Model]:
    with opened(tiny_f32) as model:
        yield model


@pytest.fixture(scope="module")
def prompt(model: Model) -> list[int]:
    return model.vocabulary.encode("1 2 3 4 5 6 7 8 9 and what comes then, ", marks=False)


def said(stream: Stream) -> list[int]:
    return [token for event in stream for token in event.tokens]


@pytest.mark.parametrize("sequences", [1, 2, 4])
def test_the_prompt_is_read_once(tiny_f32: Path, prompt: list[int], sequences: int) -> None:
    """Also where some have to wait until others are done."""
    with opened(tiny_f32, sequences) as model:
        streams = model.samples(prompt, 5, HOT)
        texts = [said(stream) for stream in streams]
    timings = [stream.finish.timings for stream in streams]
    assert timings[0].reused_tokens == 0
    assert {one.prompt_tokens for one in timings} == {len(prompt)}
    branched = [one.reused_tokens for one in timings[1:]]
    assert branched == [len(prompt)] * (sequences - 1) + [len(prompt) - 1] * (5 - sequences)
    assert len({tuple(text) for text in texts}) == 5
    assert all(len(text) == 24 for text in texts)


def test_each_has_the_next_seed_and_says_the_same_again(tiny_f32: Path, prompt: list[int]) -> None:
    """Each time in a context that holds nothing else, so that batches have the same shapes."""
    texts = []
    for _ in range(2):
        with opened(tiny_f32) as model:
            streams = model.samples(prompt, 6, HOT)
            texts.append([said(stream) for stream in streams])
        assert [stream.finish.seed for stream in streams] == [SEEDS - 2, SEEDS - 1, 0, 1, 2, 3]
    assert texts[0] == texts[1]


def test_a_sample_begins_as_with_its_seed_alone(model: Model, prompt: list[int]) -> None:
    """Its first token is drawn from the same logits; those after it are computed in batches of
    another shape."""
    short = replace(HOT, max_tokens=1, reuse=False)
    tokens = [said(stream) for stream in model.samples(prompt, 8, replace(short, reuse=True))]
    for number, token in enumerate(tokens):
        seed = (SEEDS - 2 + number) % SEEDS
        alone = replace(short, sampling=replace(HOT.sampling, seed=seed))
        assert said(model.generate(prompt, alone)) == token
    assert len(set(map(tuple, tokens))) > 1


def test_the_first_is_cancelled_before_the_prompt_is_read(model: Model, prompt: list[int]) -> None:
    busy = [model.generate(prompt[1:], replace(HOT, max_tokens=200)) for _ in range(4)]
    first, *others = model.samples([7, *prompt], 3, HOT)
    first.cancel()
    assert first.drain().reason == "cancelled"
    for stream in others:
        assert stream.drain().reason == "length"
    for stream in busy:
        stream.drain()


def test_one_that_waits_is_cancelled(model: Model, prompt: list[int]) -> None:
    streams = model.samples([8, *prompt], 6, HOT)
    streams[5].cancel()
    assert [stream.drain().reason for stream in streams] == ["length"] * 5 + ["cancelled"]


def test_closing_ends_those_that_wait(tiny_f32: Path, prompt: list[int]) -> None:
    with opened(tiny_f32, 2) as model:
        streams = model.samples(prompt, 5, replace(HOT, max_tokens=None))
    assert [stream.drain().reason for stream in streams] == ["cancelled"] * 5


def test_what_cannot_be_is_said_at_once(model: Model, prompt: list[int]) -> None:
    def refused(**change: object) -> str:
        sampling = replace(HOT.sampling, **change)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError) as caught:
            model.generate(prompt, replace(HOT, sampling=sampling))
        return caught.value.message

    assert "no sampler 'top_q'" in refused(samplers=("top_k", "top_q"))
    outside = model.vocabulary.size
    assert f"token {outside}, which is not" in refused(logit_bias=((outside, 1.0),))
    assert "repeat penalty is 0;" in refused(repeat_penalty=0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_text_without_a_template_on_every_kind_of_cache(shared: Path, kind: str) -> None:
    """Nothing tells where the next prompt may part from it."""
    path = shared / "models" / "archs" / f"{kind}.gguf"
    with opened(path, 1) as model:
        streams = model.samples(Prompt.raw("some text to go on from"), 3, LIKELIEST)
        texts = [said(stream) for stream in streams]
    assert texts[0] == texts[1] == texts[2]
    timings = [stream.finish.timings for stream in streams]
    read = timings[0].prompt_tokens
    assert [one.reused_tokens for one in timings] == [0, read - 1, read - 1]


@pytest.mark.parametrize("kind", KINDS)
def test_on_every_kind_of_cache(shared: Path, kind: str) -> None:
    path = shared / "models" / "archs" / f"{kind}.gguf"
    with opened(path, 1) as model:
        expected = said(model.generate(FIRST, LIKELIEST))
    with opened(path, 3) as model:
        streams = model.samples(FIRST, 5, LIKELIEST)
        assert [said(stream) for stream in streams] == [expected] * 5
        reused = [stream.finish.timings.reused_tokens for stream in streams]
        assert reused == [0, len(FIRST), len(FIRST), len(FIRST) - 1, len(FIRST) - 1]
