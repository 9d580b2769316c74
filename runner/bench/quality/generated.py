"""Tasks that are answered in words: many questions at a time through the engine, each answer held
against the right one."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from runner.bench.proportions import accuracy, mean_summary
from runner.bench.quality.matching import Answer, matcher
from runner.bench.quality.task import Asked, Question, Task
from runner.bench.record import Item, Summary, TaskResult
from runner.errors import PromptTooLong
from runner.models import Located, Ready, ready
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.options import Options

SEED = 1
"""Of a question's first sample, where no other is set; the next ones follow it."""

AT_ONCE = 8
"""Questions that are answered at once, where the task or the person says nothing else."""


def evaluate(
    task: Task,
    located: Located,
    settings: Settings,
    asked: Asked,
    *,
    done: Sequence[Item],
    keep: Callable[[Item], None],
    progress: Callable[[int, int], None],
) -> TaskResult:
    """See `task.Evaluate`. Raises what `models.ready` raises, TemplateError and DeviceError."""
    roomy = replace(settings, ctx=room_of(task, settings))
    with ready(located, roomy, sequences=at_once_of(task, asked)) as model:
        items = answer(task, model, settings, asked, done=done, keep=keep, progress=progress)
    return result(task, items, facts_of(task, model, settings, asked))


def answer(
    task: Task,
    model: Ready,
    settings: Settings,
    asked: Asked,
    *,
    done: Sequence[Item],
    keep: Callable[[Item], None],
    progress: Callable[[int, int], None],
) -> tuple[Item, ...]:
    """The items of every question and sample, in order, with those that were `done` before."""
    known = {(item.id, item.sample): item for item in done}
    questions = task.questions[: asked.limit]
    wanted = [(one, number) for one in questions for number in range(asked.samples)]
    left = [(one, number) for one, number in wanted if (one.id, number) not in known]
    options = options_of(task, model, settings, asked)
    progress(len(wanted) - len(left), len(wanted))
    last = time.perf_counter()
    with _answering(model, options, left, at_once_of(task, asked), settings.system) as answers:
        for item in answers:
            now = time.perf_counter()
            # Many are under way at once, so that none has a time of its own.
            known[item.id, item.sample] = item = replace(item, seconds=now - last)
            last = now
            keep(item)
            progress(sum((one.id, number) in known for one, number in wanted), len(wanted))
    return tuple(known[one.id, number] for one, number in wanted)


@contextmanager
def _answering(
    model: Ready,
    options: "Options",
    wanted: Sequence[tuple[Question, int]],
    at_once: int,
    system: str | None,
) -> Iterator[Iterator[Item]]:
    """Items as they are answered. Leaving the block stops what is under way."""
    stop = threading.Event()

    def put(question: Question, sample: int) -> Item | None:
        return None if stop.is_set() else _put(model, options, question, sample, system, stop)

    pool = ThreadPoolExecutor(at_once, thread_name_prefix="runner-eval")
    try:
        futures: list[Future[Item | None]] = [pool.submit(put, *one) for one in wanted]
        yield (item for one in as_completed(futures) if (item := one.result()) is not None)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _put(
    model: Ready,
    options: "Options",
    question: Question,
    sample: int,
    system: str | None,
    stop: threading.Event,
) -> Item | None:
    """One question's answer, judged; None where it was stopped. A prompt that the context does not
    hold is a wrong answer, and says so."""
    from runner.prompt import Message

    seeded = replace(options.sampling, seed=(options.sampling.seed or SEED) + sample)
    messages = question.messages
    if system and messages[0].role != "system":
        messages = (Message("system", system), *messages)
    item = Item(question.id, correct=False, expected=question.expected, sample=sample)
    said = {"reasoning": "", "answer": "", "tool_call": ""}
    reasoning = 0
    try:
        stream = model.reply(
            messages, tools=question.tools or None, options=replace(options, sampling=seeded)
        )
    except PromptTooLong:
        return replace(item, finish="prompt too long")
    with stream:
        for event in stream:
            said[event.kind] += event.text
            reasoning += len(event.tokens) if event.kind == "reasoning" else 0
            if stop.is_set():
                return None
    answered = Answer(said["answer"], said["tool_call"])
    correct, extracted = matcher(question.matcher).judge(answered, question.expected)
    finish = stream.finish
    return replace(
        item,
        correct=correct,
        answer=answered.whole,
        extracted=extracted,
        prompt_tokens=finish.timings.prompt_tokens,
        reply_tokens=finish.timings.reply_tokens,
        reasoning_tokens=reasoning,
        finish=finish.reason,
    )


def options_of(task: Task, model: Ready, settings: Settings, asked: Asked) -> "Options":
    """What is asked of each answer: what the person says, else the task (its "sampling"), else what
    is recommended for the model; at most as many tokens as the person or the task allows."""
    own = {
        name: value
        for name, value in task.facts.get("sampling", {}).items()
        if settings.get(name) is None
    }
    seed = SEED if settings.seed is None else settings.seed
    return replace(
        model.options,
        sampling=replace(model.sampling, **own, seed=seed),
        max_tokens=asked.max_tokens or settings.max_tokens or task.facts.get("max_tokens"),
        private=True,
    )


def at_once_of(task: Task, asked: Asked) -> int:
    """Questions to be answered at once. A task may say how many, for figures to be repeated: what
    is computed together decides how llama.cpp rounds, which flips an answer now and then."""
    return int(asked.at_once or task.facts.get("at_once") or AT_ONCE)


def room_of(task: Task, settings: Settings) -> int | None:
    """The context that all questions under way share. Where it is too small for them they wait for
    each other and read their prompts again, so that a task may ask for more than a model's own."""
    return settings.ctx or task.facts.get("context")


def facts_of(task: Task, model: Ready, settings: Settings, asked: Asked) -> dict[str, Any]:
    """How the task was put, for its result."""
    from runner.bench.plain import to_plain

    options = options_of(task, model, settings, asked)
    return {
        "samples": asked.samples,
        "max_tokens": options.max_tokens,
        "think_tokens": options.think_tokens,
        "at_once": at_once_of(task, asked),
        "system": settings.system or "",
        "sampling": to_plain(options.sampling),
    }


def result(task: Task, items: tuple[Item, ...], facts: dict[str, Any]) -> TaskResult:
    """What came of it: accuracy, or pass@1 where there are several samples, reasoning and length of
    answers, how many were cut off, and seconds for each that is right."""
    samples = facts.get("samples", 1)
    names = sorted({question.matcher for question in task.questions})
    cut = sum(item.finish in ("length", "context", "prompt too long") for item in items)
    return TaskResult(
        name=task.name,
        kind=task.kind,
        source=task.source,
        sha256=task.sha256,
        licence=task.licence,
        normaliser=task.normaliser or ", ".join(names),
        count=len({item.id for item in items}),
        summaries=_summaries(items, samples),
        items=items,
        facts=facts | {"cut_off": cut, "rules": {name: matcher(name).rule for name in names}},
    )


def _summaries(items: Sequence[Item], samples: int) -> tuple[Summary, ...]:
    if not items:
        return ()
    found = [accuracy(items, "accuracy" if samples == 1 else "pass_at_1")]
    answered = [item for item in items if item.reply_tokens]
    for metric, what, values in (
        ("reasoning_tokens", "of reasoning", [float(one.reasoning_tokens) for one in answered]),
        ("reply_tokens", "of reasoning and answer", [float(one.reply_tokens) for one in answered]),
    ):
        if values:
            formula = f"mean tokens {what} of an answer"
            found.append(mean_summary(metric, "tokens", formula, values))
    right, seconds = sum(bool(item.correct) for item in items), [item.seconds for item in items]
    if right:
        found.append(
            Summary(
                metric="seconds_per_correct",
                unit="s",
                formula="seconds for all answers / right answers, several at once",
                median=fmean(seconds) * len(seconds) / right,
                interval=None,
                blocks=len({item.id for item in items}),
                samples=len(items),
            )
        )
    return tuple(found)
