"""Questions answered in words, many at a time: put to the engine in their order from one thread, so
that the same are computed together each time, and each answer held against the right one."""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from runner.bench.quality.matching import Answer, judge
from runner.bench.quality.task import Question
from runner.bench.record import Item

if TYPE_CHECKING:
    from runner.engine.gathering import Reply
    from runner.engine.options import Options
    from runner.models import Ready
    from runner.prompt import Prompt

CUT = ("length", "context", "prompt too long")
"""How an answer ends that is none: such are wrong."""

HANDED = 512
"""Answers that are asked for at once; the engine begins as many of them as there is room for."""

UNSAID = 2048
"""Tokens that an answer is given room for where nothing limits it."""


@dataclass(frozen=True, slots=True)
class Put:
    """A question as the model gets it, and how many tokens that has."""

    question: Question
    prompt: "Prompt"
    tokens: int


Wanted = tuple[Put, int]
"""A question and the number of the sample."""


def put(model: "Ready", questions: Sequence[Question], system: str | None) -> list[Put]:
    """The questions as the model gets them."""
    from runner.prompt import Message

    found = []
    for question in questions:
        messages = question.messages
        if system and messages[0].role != "system":
            messages = (Message("system", system), *messages)
        prompt = model.prompt(messages, tools=question.tools or None)
        found.append(Put(question, prompt, len(model.model.encode(prompt))))
    return found


def limit_of(model: "Ready", ctx: int | None) -> int:
    """Tokens that a question and its answer may have: the context that several share may be longer
    than what the model was trained for, which only a person goes beyond (`ctx`)."""
    length = model.model.context_length
    return length if ctx else min(length, model.model.weights.context_train or length)


def fitting(at_once: int, prompts: Sequence[int], reply: int, context: int) -> int:
    """How many of `at_once` questions can be under way in a context without pushing each other
    out, whichever they are: each with a `reply` of as many tokens as it may have."""
    needed = 0
    for count, prompt in enumerate(sorted(prompts, reverse=True)[:at_once]):
        needed += min(prompt + reply, context)
        if needed > context:
            return max(1, count)
    return at_once


def answers(
    model: "Ready", options: "Options", wanted: Sequence[Wanted], at_once: int, limit: int
) -> Generator[Item, None, None]:
    """The items of what is wanted, as they are answered. A prompt that the context does not hold
    is a wrong answer, and says so. Closing the iterator stops what is under way.

    The first begins with an empty cache, and no more are under way than `at_once`.
    """
    fit = [one for one in wanted if one[0].tokens < limit]
    for one, sample in wanted:
        if one.tokens >= limit:
            yield _item(one.question, sample, "prompt too long")
    last = time.perf_counter()
    together = replace(options, together=at_once)
    for start in range(0, len(fit), HANDED):
        handed = fit[start : start + HANDED]
        asked = list(_asked(handed, together, limit))
        with model.model.gather(asked) as replies:
            for reply in replies:
                now = time.perf_counter()
                # Many are under way at once, so that none has a time of its own.
                yield replace(_judged(*handed[reply.number], reply), seconds=now - last)
                last = now


def _asked(
    handed: Sequence[Wanted], options: "Options", limit: int
) -> "Iterator[tuple[Prompt, int, Options]]":
    """Prompts, how many answers to each, and the options of the first: each of the others has the
    next seed."""
    seed = options.sampling.seed or 0
    # Samples of one question that follow each other share their prompt.
    groups = groupby(enumerate(handed), lambda at: (at[1][0].question.id, at[1][1] - at[0]))
    for number, (_, group) in enumerate(groups):
        (one, sample), *others = (each for _, each in group)
        yield (
            one.prompt,
            1 + len(others),
            replace(
                options,
                sampling=replace(options.sampling, seed=seed + sample),
                max_tokens=min(options.max_tokens or limit, limit - one.tokens),
                reuse=number > 0,
            ),
        )


def _item(question: Question, sample: int, finish: str) -> Item:
    return Item(
        question.id, correct=False, expected=question.expected, sample=sample, finish=finish
    )


def _judged(one: Put, sample: int, reply: "Reply") -> Item:
    said = {"reasoning": "", "answer": "", "tool_call": ""}
    reasoning = 0
    for event in reply.events:
        said[event.kind] += event.text
        reasoning += len(event.tokens) if event.kind == "reasoning" else 0
    question, finish = one.question, reply.finish
    assert finish is not None
    answered = Answer(said["answer"], said["tool_call"])
    correct, extracted = judge(question, answered)
    return replace(
        _item(question, sample, finish.reason),
        correct=correct and finish.reason not in CUT,
        answer=answered.whole,
        extracted=extracted,
        prompt_tokens=finish.timings.prompt_tokens,
        reply_tokens=finish.timings.reply_tokens,
        reasoning_tokens=reasoning,
    )
