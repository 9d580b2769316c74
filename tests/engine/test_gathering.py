"""Many replies that come whole: as alone, the same each time, and none that nobody wants."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.engine.gathering import Reply
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import PromptTooLong
from runner.fit import Placement

GREEDY = Options(sampling=Sampling(temperature=0, seed=1), max_tokens=24, ignore_end=True)
TEXTS = [f"{number} and {number + 1} and then " for number in range(1, 13)]


@pytest.fixture(scope="module")
def model(tiny_f32: Path) -> Iterator[Model]:
    placement = Placement(2048, 0, None, 1, "f32", sequences=4, flash_attention="off")
    with Model.open(tiny_f32, placement) as model:
        yield model


@pytest.fixture(scope="module")
def prompts(model: Model) -> list[list[int]]:
    return [model.vocabulary.encode(text, marks=False) for text in TEXTS]


def tokens(reply: Reply) -> list[int]:
    return [token for event in reply.events for token in event.tokens]


def gathered(model: Model, prompts: list[list[int]], options: Options) -> dict[int, list[int]]:
    with model.gather([(prompt, 1, options) for prompt in prompts]) as replies:
        return {reply.number: tokens(reply) for reply in replies}


def test_each_is_what_it_would_be_alone(model: Model, prompts: list[list[int]]) -> None:
    found = gathered(model, prompts, replace(GREEDY, together=3))
    for number, prompt in enumerate(prompts):
        stream = model.generate(prompt, GREEDY)
        assert [token for event in stream for token in event.tokens] == found[number]


def test_they_come_as_they_end(model: Model, prompts: list[list[int]]) -> None:
    long, short = replace(GREEDY, max_tokens=40, together=2), replace(GREEDY, together=2)
    asked = [(prompts[0], 1, long), (prompts[1], 1, short), (prompts[2], 1, short)]
    with model.gather(asked) as replies:
        ended = [reply.number for reply in replies]
    assert ended == [1, 0, 2]
    one_by_one = [(prompt, 1, replace(options, together=1)) for prompt, _, options in asked]
    with model.gather(one_by_one) as replies:
        assert [reply.number for reply in replies] == [0, 1, 2]


def test_samples_share_a_prompt(model: Model, prompts: list[list[int]]) -> None:
    hot = replace(GREEDY, sampling=Sampling(temperature=1.5, top_k=0, seed=7))
    with model.gather([(prompts[0], 3, hot), (prompts[1], 1, hot)]) as replies:
        found = {reply.number: reply for reply in replies}
    seeds = [found[number].finish for number in range(4)]
    assert [finish.seed for finish in seeds if finish] == [7, 8, 9, 7]
    assert len({tuple(tokens(found[number])) for number in range(3)}) == 3


def test_leaving_ends_what_is_under_way(model: Model, prompts: list[list[int]]) -> None:
    long = replace(GREEDY, max_tokens=1500, together=4)
    with model.gather([(prompt, 1, long) for prompt in prompts]) as replies:
        pass
    left = list(replies)
    assert len(left) == len(prompts)
    assert {reply.finish.reason for reply in left if reply.finish} == {"cancelled"}
    assert gathered(model, prompts[:2], GREEDY).keys() == {0, 1}


def test_nothing_starts_where_a_prompt_is_too_long(model: Model, prompts: list[list[int]]) -> None:
    with pytest.raises(PromptTooLong):
        model.gather([(prompts[0], 1, GREEDY), (prompts[0] * 1000, 1, GREEDY)])


def test_prompts_are_read_in_full_batches(model: Model, prompts: list[list[int]]) -> None:
    """Not in shares of what is read in a tenth of a second, which depends on the machine's mood."""
    model._loop._rate = 1.0
    together = replace(GREEDY, max_tokens=400, together=2, reuse=False)
    text = prompts[0] * 40
    with model.gather([(prompts[1], 1, together), (text, 1, replace(together, max_tokens=1))]) as r:
        first = next(r)
    assert first.number == 1
    assert first.finish is not None and first.finish.timings.reused_tokens == 0
