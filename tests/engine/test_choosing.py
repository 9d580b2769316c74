"""What decides the next token: samplers, recordings, stop texts, and a limit to reasoning."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runner.engine.events import Event, Finish
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.prompt import ChatTemplate, Message, Prompt

GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def model(tiny_f32: Path) -> Iterator[Model]:
    with Model.open(tiny_f32, Placement(2048, 0, None, 1, "f16")) as model:
        yield model


@pytest.fixture(scope="module")
def prompt(model: Model) -> Prompt:
    """A question that the model thinks about before it answers."""
    vocabulary = model.vocabulary
    bos = vocabulary.piece(vocabulary.bos).decode()
    eos = vocabulary.piece(vocabulary.eos).decode()
    template = ChatTemplate(model.template_source, bos=bos, eos=eos, marks=None, fold_system=False)
    return template.render([Message("user", "What is 12 + 30?")])


def reply(
    model: Model, prompt: Prompt, options: Options
) -> tuple[dict[str, str], list[Event], Finish]:
    said = {"reasoning": "", "answer": "", "tool_call": ""}
    stream = model.generate(prompt, options)
    events = list(stream)
    for event in events:
        said[event.kind] += event.text
    return said, events, stream.finish


def test_a_recording_is_replayed_whatever_the_model_says(model: Model, prompt: Prompt) -> None:
    text = "so be it\n</think>\n\nSeven."
    tokens = tuple(model.vocabulary.encode(text, marks=True))
    said, events, finish = reply(model, prompt, Options(sampling=GREEDY, replay=tokens))
    assert (said["reasoning"], said["answer"]) == ("so be it\n", "Seven.")
    assert tuple(token for event in events for token in event.tokens) == tokens
    assert finish.reason == "end"


def test_a_stop_text_ends_the_answer_before_it(model: Model, prompt: Prompt) -> None:
    whole, _, _ = reply(model, prompt, Options(sampling=GREEDY))
    assert " = 42" in whole["answer"]
    said, _, finish = reply(model, prompt, Options(sampling=GREEDY, stop=("never", " = 4")))
    assert said["answer"] == whole["answer"].partition(" = 4")[0]
    assert said["reasoning"] == whole["reasoning"]
    assert finish.reason == "stop"


@pytest.mark.parametrize("budget", [1, 5])
def test_reasoning_is_closed_when_its_tokens_are_spent(
    model: Model, prompt: Prompt, budget: int
) -> None:
    whole, _, _ = reply(model, prompt, Options(sampling=GREEDY))
    said, events, finish = reply(model, prompt, Options(sampling=GREEDY, think_tokens=budget))
    assert whole["reasoning"].startswith(said["reasoning"].rstrip("\n"))
    assert sum(len(e.tokens) for e in events if e.kind == "reasoning") <= budget + 1
    assert said["answer"]
    assert finish.reason == "end"


@pytest.mark.parametrize("seed", range(4))
def test_the_greatest_logit_is_what_the_chain_of_samplers_takes(model: Model, seed: int) -> None:
    prompt = np.random.default_rng(seed).integers(0, model.vocabulary.size, 20).tolist()
    replies = []
    # A bias of nothing changes no choice, and has every candidate go through the chain.
    for sampling in (GREEDY, replace(GREEDY, logit_bias=((0, 0.0),))):
        options = Options(sampling=sampling, max_tokens=64, ignore_end=True, reuse=False)
        stream = model.generate(prompt, options)
        replies.append([token for event in stream for token in event.tokens])
    assert len(replies[0]) > 60  # the last may be the beginning of a letter
    assert replies[0] == replies[1]


def test_logprobs_are_those_of_the_model(model: Model, prompt: Prompt) -> None:
    _, events, _ = reply(model, prompt, Options(sampling=GREEDY, logprobs=3))
    for event in events:
        assert [one.token for one in event.logprobs] == list(event.tokens)
        for one in event.logprobs:
            assert len(one.likeliest) == 3
            assert one.likeliest[0] == (one.token, one.logprob)  # greedy takes the likeliest
            assert np.exp([p for _, p in one.likeliest]).sum() <= 1 + 1e-6
    _, events, _ = reply(model, prompt, Options(sampling=GREEDY, logprobs=0))
    assert all(one.likeliest == () for event in events for one in event.logprobs)
    size = model.vocabulary.size
    for more in (size, size + 1):
        _, events, _ = reply(model, prompt, Options(sampling=GREEDY, logprobs=more, max_tokens=2))
        likeliest = events[0].logprobs[0].likeliest
        assert sorted(token for token, _ in likeliest) == list(range(size))
        assert np.exp([p for _, p in likeliest]).sum() == pytest.approx(1)


def test_a_stop_text_is_found_across_tokens_and_not_in_reasoning(
    model: Model, prompt: Prompt
) -> None:
    text = "12 bananas\n</think>\n\n12 bananas and more"
    tokens = tuple(model.vocabulary.encode(text, marks=True))
    assert len(model.vocabulary.encode("bananas", marks=False)) > 1
    options = Options(sampling=GREEDY, replay=tokens, stop=("nothing", "ananas a"))
    said, _, finish = reply(model, prompt, options)
    assert (said["reasoning"], said["answer"]) == ("12 bananas\n", "12 b")
    assert finish.reason == "stop"


@pytest.mark.parametrize("window", [-1, 10**9, 0])
def test_windows_longer_than_the_context_are_as_long_as_it(window: int) -> None:
    within = Sampling(repeat_last_n=window, dry_penalty_last_n=window).within(256)
    assert within.repeat_last_n == within.dry_penalty_last_n == (256 if window else 0)


def test_filters_act_in_the_order_given(model: Model, prompt: Prompt) -> None:
    """Of the likeliest three, or of those that a temperature has made all alike."""

    def chosen(*samplers: str) -> set[int]:
        sampling = Sampling(temperature=1e6, top_k=0, min_p=0.5, samplers=samplers)
        options = Options(sampling=sampling, max_tokens=1, ignore_end=True)
        streams = model.samples(prompt, 12, options)
        return {token for stream in streams for event in stream for token in event.tokens}

    assert len(chosen("min_p", "temperature")) < 4 < len(chosen("temperature", "min_p"))


VARIANTS = [
    {"temperature": 2.0, "dynatemp_range": 1.0},
    {"top_k": 3},
    {"top_p": 0.4},
    {"min_p": 0.4},
    {"typical_p": 0.3},
    {"top_n_sigma": 0.5},
    {"xtc_probability": 1.0, "xtc_threshold": 0.01},
    {"repeat_penalty": 3.0},
    {"repeat_penalty": 3.0, "repeat_last_n": -1},
    {"frequency_penalty": 2.0},
    {"presence_penalty": 2.0},
    {"dry_multiplier": 5.0, "dry_base": 4.0, "dry_sequence_breaker": ()},
    {"mirostat": 1, "mirostat_tau": 1.0},
    {"mirostat": 2, "mirostat_tau": 1.0},
    {"adaptive_target": 0.1},
    {"logit_bias": ((52, 20.0),)},
    {"samplers": ()},
]
PLAIN = Sampling(temperature=1.5, top_k=0, top_p=1, min_p=0, seed=11)


@pytest.mark.parametrize("change", VARIANTS, ids=lambda change: next(iter(change)))
def test_every_sampler_changes_what_is_drawn_and_its_seed_repeats_it(
    tiny_f32: Path, change: dict[str, object]
) -> None:
    def drawn(sampling: Sampling) -> list[int]:
        options = Options(sampling=sampling, max_tokens=60, ignore_end=True)
        with Model.open(tiny_f32, Placement(256, 0, None, 1, "f16")) as model:
            stream = model.generate(Prompt.raw("3 2 1 3 2 1 3 2 1 "), options)
            return [token for event in stream for token in event.tokens]

    changed = replace(PLAIN, **change)  # type: ignore[arg-type]
    assert drawn(changed) == drawn(changed)
    assert drawn(changed) != drawn(PLAIN)
