"""The engine on the shipped model: replies, stops, cancels, and what it keeps between requests."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import PromptTooLong
from runner.fit import Placement
from runner.prompt import ChatTemplate, Message, Prompt

GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def model(tiny_path: Path) -> Iterator[Model]:
    with Model.open(tiny_path, Placement(2048, 0, None, 2, "f16")) as model:
        yield model


@pytest.fixture(scope="module")
def template(model: Model) -> ChatTemplate:
    vocabulary = model.vocabulary
    bos = vocabulary.piece(vocabulary.bos).decode()
    eos = vocabulary.piece(vocabulary.eos).decode()
    return ChatTemplate(model.template_source, bos=bos, eos=eos, marks=None, fold_system=False)


def ask(model: Model, template: ChatTemplate, text: str, **options: object) -> dict[str, str]:
    prompt = template.render([Message("user", text)])
    said = {"reasoning": "", "answer": "", "tool_call": ""}
    for event in model.generate(prompt, Options(sampling=GREEDY, max_tokens=400)):
        said[event.kind] += event.text
    return said


def test_thinks_then_answers_a_sum(model: Model, template: ChatTemplate) -> None:
    said = ask(model, template, "What is 12 + 30?")
    assert "42" in said["answer"]
    assert said["reasoning"].strip()
    assert "think>" not in said["answer"] + said["reasoning"]


def test_counts_times_and_tokens_agree(model: Model, template: ChatTemplate) -> None:
    prompt = template.render([Message("user", "What is 7 + 8?")])
    stream = model.generate(prompt, Options(sampling=GREEDY, max_tokens=400))
    events = list(stream)
    finish = stream.finish
    timings = finish.timings
    assert finish.reason == "end"
    assert timings.prompt_tokens == len(model.encode(prompt))
    # Every sampled token is in some event, but the one that ended the reply.
    assert sum(len(event.tokens) for event in events) == timings.reply_tokens - 1
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert 0 < timings.prefill_seconds <= timings.first_token_seconds <= timings.total_seconds
    assert timings.decode_rate > 0


def test_times_of_tokens_where_asked_for(model: Model) -> None:
    asked = Options(sampling=GREEDY, max_tokens=9, ignore_end=True, times=True)
    finish = model.generate([5, 6, 7], asked).drain()
    assert len(finish.times) == finish.timings.reply_tokens == 9
    assert list(finish.times) == sorted(finish.times)
    span = finish.times[-1] - finish.times[0]
    assert span == pytest.approx(finish.timings.decode_seconds)
    assert model.generate([5], Options(max_tokens=2)).drain().times == ()


def test_max_tokens_ends_a_reply(model: Model, template: ChatTemplate) -> None:
    prompt = template.render([Message("user", "What is 7 + 8?")])
    finish = model.generate(prompt, Options(sampling=GREEDY, max_tokens=3)).drain()
    assert finish.reason == "length"
    assert finish.timings.reply_tokens == 3


def drawn(path: Path, seed: int | None) -> tuple[list[int], int]:
    """What is drawn with a seed, and that seed, from a cold cache: what is left from before changes
    the order in which sums are made, and so the last bits of the logits."""
    sampling = Sampling(temperature=1.5, top_k=0, top_p=1, min_p=0, seed=seed)
    with Model.open(path, Placement(256, 0, None, 1, "f16")) as model:
        options = Options(sampling=sampling, max_tokens=40, ignore_end=True)
        stream = model.generate(Prompt.raw("1 2 3"), options)
        return [token for event in stream for token in event.tokens], stream.finish.seed


def test_the_same_seed_gives_the_same_reply(tiny_path: Path) -> None:
    assert drawn(tiny_path, 7) == drawn(tiny_path, 7)
    assert drawn(tiny_path, 7) != drawn(tiny_path, 8)


def test_a_drawn_seed_is_reported_and_repeats_the_reply(tiny_path: Path) -> None:
    reply, seed = drawn(tiny_path, None)
    assert drawn(tiny_path, seed) == (reply, seed)


def test_a_prompt_too_long_is_counted_and_refused(model: Model) -> None:
    with pytest.raises(
        PromptTooLong, match=r"the prompt has \d+ tokens and the context holds 2048"
    ):
        model.generate(Prompt.raw("7 " * 3000), Options(sampling=GREEDY))


def test_a_larger_context_is_advised_only_where_the_model_has_one(tiny_path: Path) -> None:
    with Model.open(tiny_path, Placement(256, 0, None, 1, "f16")) as small:
        with pytest.raises(PromptTooLong) as caught:
            small.generate(Prompt.raw("7 " * 3000), Options(sampling=GREEDY))
        assert "--ctx" in caught.value.remedy


def test_a_full_context_ends_the_reply_and_says_so(tiny_path: Path) -> None:
    with Model.open(tiny_path, Placement(256, 0, None, 1, "f16")) as model:
        tokens = model.encode(Prompt.raw("1 2 3 4 5 6 7 8 9 "))
        finish = model.generate(tokens, Options(sampling=GREEDY, ignore_end=True)).drain()
    assert finish.reason == "context"
    # The last token is sampled from a full cache and needs no room of its own.
    assert finish.timings.reply_tokens + len(tokens) == 256 + 1


def test_cancel_stops_and_the_engine_goes_on(model: Model, template: ChatTemplate) -> None:
    stream = model.generate(Prompt.raw("1 2 3"), Options(sampling=GREEDY, ignore_end=True))
    next(stream)
    stream.cancel()
    assert stream.drain().reason == "cancelled"
    assert "42" in ask(model, template, "What is 12 + 30?")["answer"]


def test_cancel_while_a_long_prompt_is_read(model: Model) -> None:
    reading = threading.Event()
    tokens = model.encode(Prompt.raw("7 3 " * 480))
    stream = model.generate(
        tokens, Options(sampling=GREEDY), progress=lambda done, total: reading.set()
    )
    assert reading.wait(30)
    stream.cancel()
    finish = stream.drain()
    assert finish.reason == "cancelled"
    assert finish.timings.reply_tokens <= 1


def test_leaving_the_with_block_cancels(model: Model, template: ChatTemplate) -> None:
    with model.generate(Prompt.raw("1 2 3"), Options(sampling=GREEDY, ignore_end=True)) as stream:
        next(stream)
    assert stream.drain().reason == "cancelled"


def test_a_conversation_is_not_read_twice(model: Model, template: ChatTemplate) -> None:
    first = template.render([Message("user", "What is 12 + 30?")])
    again = model.encode(first)
    model.generate(first, Options(sampling=GREEDY, max_tokens=50)).drain()
    timings = model.generate(first, Options(sampling=GREEDY, max_tokens=50)).drain().timings
    assert timings.reused_tokens == len(again) - 1


def test_reuse_never_changes_the_reply(model: Model, template: ChatTemplate) -> None:
    fresh = ask(model, template, "Which is bigger, 45 or 54?")
    ask(model, template, "What is 12 + 30?")
    assert ask(model, template, "Which is bigger, 45 or 54?") == fresh


def test_requests_from_several_threads_are_all_served(model: Model, template: ChatTemplate) -> None:
    answers: dict[int, str] = {}

    def work(number: int) -> None:
        answers[number] = ask(model, template, f"What is {number} + 1?")["answer"]

    threads = [threading.Thread(target=work, args=(n,)) for n in (10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(str(number + 1) in answers[number] for number in (10, 20, 30))


def test_progress_of_a_long_prompt_reaches_its_length(model: Model) -> None:
    steps: list[tuple[int, int]] = []
    tokens = model.encode(Prompt.raw("5 1 " * 400))
    model.generate(
        tokens, Options(sampling=GREEDY, max_tokens=1), progress=lambda *step: steps.append(step)
    ).drain()
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
