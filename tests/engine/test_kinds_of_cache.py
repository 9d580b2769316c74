"""Reuse across requests on every kind of cache: full, sliding-window, recurrent, hybrid, latent.

Some cannot drop the end of a sequence, some lose old positions: the engine must notice and read
again, so that a reply never depends on what was asked before.
"""

from pathlib import Path

import pytest

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement

KINDS = ["qwen3-dense", "gemma3-dense", "gpt-oss-moe", "lfm2-dense", "qwen35-dense",
         "mamba2-dense", "nemotron_h-dense", "deepseek2-moe"]  # fmt: skip

COMMON = [1 + step * 7 % 100 for step in range(120)]
FIRST = [*COMMON, *[11, 12, 13, 14] * 10]
SECOND = [*COMMON, 21, 22, 23]


def reply(model: Model, tokens: list[int]) -> tuple[list[int], int]:
    """The first tokens of the greedy reply, and how many of the prompt's were reused."""
    stream = model.generate(
        tokens, Options(sampling=Sampling(temperature=0), max_tokens=12, ignore_end=True)
    )
    said = [token for event in stream for token in event.tokens]
    return said, stream.finish.timings.reused_tokens


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_does_not_depend_on_what_was_asked_before(shared: Path, kind: str) -> None:
    path = shared / "models" / "archs" / f"{kind}.gguf"
    placement = Placement(256, 0, None, 1, "f16")
    with Model.open(path, placement) as fresh:
        expected, reused = reply(fresh, SECOND)
        assert reused == 0
    with Model.open(path, placement) as model:
        reply(model, FIRST)
        assert reply(model, SECOND)[0] == expected
        # Going on from a prompt that is still there needs no forgetting beyond the reply.
        reply(model, FIRST)
        assert reply(model, SECOND)[0] == expected


def test_a_full_cache_is_reused_up_to_where_the_prompts_part(shared: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with Model.open(path, Placement(256, 0, None, 1, "f16")) as model:
        reply(model, FIRST)
        assert reply(model, SECOND)[1] == len(COMMON)


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_asked_again_is_not_read_again(shared: Path, kind: str) -> None:
    """The reply has to be forgotten for that, which some caches can only from a snapshot."""
    path = shared / "models" / "archs" / f"{kind}.gguf"
    with Model.open(path, Placement(512, 0, None, 1, "f16", sequences=1)) as model:
        expected, _ = reply(model, FIRST)
        for _ in range(2):
            assert reply(model, FIRST) == (expected, len(FIRST) - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_several_at_once_are_answered_as_alone(shared: Path, kind: str) -> None:
    path = shared / "models" / "archs" / f"{kind}.gguf"
    prompts = [FIRST, SECOND, COMMON[5:60], [9, 8, 7]]
    options = Options(sampling=Sampling(temperature=0), max_tokens=12, ignore_end=True)
    with Model.open(path, Placement(512, 0, None, 1, "f16", sequences=1)) as model:
        alone = [reply(model, prompt)[0] for prompt in prompts]
    with Model.open(path, Placement(512, 0, None, 1, "f16")) as model:
        streams = [model.generate(prompt, options) for prompt in prompts]
        together = [[token for event in stream for token in event.tokens] for stream in streams]
    assert together == alone
