"""Tasks that are answered in words: many questions at a time through the engine, each answer held
against the right one."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from runner.bench.proportions import accuracy, mean_summary
from runner.bench.quality.answering import CUT, UNSAID, Put, answers, fitting, limit_of, put
from runner.bench.quality.matching import matcher
from runner.bench.quality.task import Asked, Task
from runner.bench.record import Item, Summary, TaskResult
from runner.models import Ready
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.options import Options

SEED = 1
"""Of a question's first sample, where no other is set; the next ones follow it."""

AT_ONCE = 8
"""Questions that are answered at once, where the task or the person says nothing else."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The items of every question and sample, in order, and how many were under way at once."""

    items: tuple[Item, ...]
    at_once: int


def answer(
    task: Task,
    model: Ready,
    settings: Settings,
    asked: Asked,
    *,
    done: Sequence[Item],
    keep: Callable[[Item], None],
    progress: Callable[[int, int], None],
    remark: Callable[[str], None] = lambda _: None,
) -> Answered:
    """Ask what was not `done` before. `remark` is told what a person should know of it, such as
    that the context has no room for as many at once as are wanted. Raises KeyboardInterrupt; what
    was kept stays."""
    known = {(item.id, item.sample): item for item in done}
    questions = put(model, task.questions[: asked.limit], settings.system)
    wanted = [(one, number) for one in questions for number in range(asked.samples)]
    left = [(one, number) for one, number in wanted if (one.question.id, number) not in known]
    options = options_of(task, model, settings, asked)
    if asked.samples > 1 and options.sampling.temperature <= 0:
        remark(f"{task.name}: with temperature 0 all answers to a question are the same")
    limit = limit_of(model, settings.ctx)
    at_once = _room(task, model, asked, [one for one, _ in wanted], options, limit, remark)
    before = len(wanted) - len(left)
    progress(before, len(wanted))
    with closing(answers(model, options, left, at_once, limit)) as found:
        for count, item in enumerate(found, before + 1):
            known[item.id, item.sample] = item
            keep(item)
            progress(count, len(wanted))
    return Answered(tuple(known[one.question.id, number] for one, number in wanted), at_once)


def _room(
    task: Task,
    model: Ready,
    asked: Asked,
    wanted: Sequence[Put],
    options: "Options",
    limit: int,
    remark: Callable[[str], None],
) -> int:
    """As many at once as are wanted, or as the context has room for."""
    at_once, context = at_once_of(task, asked), model.model.context_length
    prompts = [one.tokens for one in wanted if one.tokens < limit]
    found = fitting(at_once, prompts, min(options.max_tokens or UNSAID, limit), context)
    if found < min(at_once, len(prompts)):
        remark(
            f"{task.name}: {found} at once, not {at_once}: the context of {context} tokens has no "
            "room for more with their answers (--ctx, --max-tokens)"
        )
    return found


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
        stop=model.options.stop or tuple(task.facts.get("stop", ())),
    )


def at_once_of(task: Task, asked: Asked) -> int:
    """Questions to be answered at once. A task may say how many, for figures to be repeated: what
    is computed together decides how llama.cpp rounds, which flips an answer now and then."""
    return int(asked.at_once or task.facts.get("at_once") or AT_ONCE)


def room_of(task: Task, settings: Settings) -> int | None:
    """The context that all questions under way share, where it is not the model's own."""
    return settings.ctx or task.facts.get("context")


def facts_of(
    task: Task, model: Ready, settings: Settings, asked: Asked, at_once: int
) -> dict[str, Any]:
    """How the task was put, for its result: as its file says, but for what else was asked."""
    from runner.bench.plain import to_plain

    options = options_of(task, model, settings, asked)
    return {
        **task.facts,
        "samples": asked.samples,
        "max_tokens": options.max_tokens,
        "think_tokens": options.think_tokens,
        "at_once": at_once,
        "system": settings.system or "",
        "stop": list(options.stop),
        "sampling": to_plain(options.sampling),
    }


def result(task: Task, items: tuple[Item, ...], facts: dict[str, Any]) -> TaskResult:
    """What came of it: accuracy, or pass@1 where there are several samples, reasoning and length of
    answers, how many were cut off, and seconds for each that is right."""
    samples = facts.get("samples", 1)
    names = sorted({question.matcher for question in task.questions})
    cut = sum(item.finish in CUT for item in items)
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
    # Samples of one question are alike: it counts once, with their mean.
    answered: dict[str, list[Item]] = {}
    for item in items:
        if item.reply_tokens:
            answered.setdefault(item.id, []).append(item)
    for metric, what, of in (
        ("reasoning_tokens", "of reasoning", lambda one: one.reasoning_tokens),
        ("reply_tokens", "of reasoning and answer", lambda one: one.reply_tokens),
    ):
        values = [fmean(map(of, same)) for same in answered.values()]
        if values:
            formula = f"mean tokens {what} of an answer; interval over questions"
            summary = mean_summary(metric, "tokens", formula, values)
            found.append(replace(summary, samples=sum(map(len, answered.values()))))
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
