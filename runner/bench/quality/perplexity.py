"""Perplexity of a text: how surprised a model is by each of its tokens, given those before."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.bench.proportions import mean_summary
from runner.bench.quality.task import Asked, OpenScorer, Task
from runner.bench.quality.windows import check, cut, first_of
from runner.bench.record import Item, Summary, TaskResult
from runner.models import Located, scorer
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.scoring import Scorer

FORMULA = "exp(mean of -ln p over the tokens of each window's second half)"


def evaluate(
    task: Task,
    located: Located,
    settings: Settings,
    asked: Asked,
    *,
    done: Sequence[Item],
    keep: Callable[[Item], None],
    progress: Callable[[int, int], None],
    scorer: OpenScorer = scorer,
) -> TaskResult:
    """One item a window: `score` is the mean of −ln p over its scored tokens, `extracted` their
    number and the mean of the squares, as JSON.

    Raises ConfigurationError where the text is too short, and what `models.scorer` raises.
    """
    check(asked)
    known = {item.id: item for item in done}
    items: list[Item] = []
    with scorer(located, settings, context=asked.window) as model:
        windows = cut(task, model.vocabulary, asked)
        for number, window in enumerate(windows):
            item = known.get(str(number))
            if item is None:
                item = _scored(model, str(number), window)
                keep(item)
            items.append(item)
            progress(len(items), len(windows))
    summary = perplexity(items)
    return TaskResult(
        name=task.name,
        kind="perplexity",
        source=task.source,
        sha256=task.sha256,
        licence=task.licence,
        normaliser="per_token",
        count=len(items),
        summaries=(summary,),
        items=tuple(items),
        facts={
            **task.facts,
            "window": asked.window,
            "standard_error": summary.median * _standard_error(items),
        },
    )


def perplexity(items: Sequence[Item]) -> Summary:
    """Of windows of equal length. Tokens of one window depend on each other, so the interval is
    over windows."""
    losses = [item.score for item in items if item.score is not None]
    mean = mean_summary("perplexity", "", f"{FORMULA}; interval over windows", losses)
    return replace(
        mean,
        median=math.exp(mean.median),
        interval=mean.interval and (math.exp(mean.interval[0]), math.exp(mean.interval[1])),
    )


def _standard_error(items: Sequence[Item]) -> float:
    """Of the mean of −ln p, as if every token were independent: what stands after ± in the output
    of llama.cpp's own program."""
    counted = [json.loads(item.extracted) for item in items]
    tokens = sum(one["tokens"] for one in counted)
    mean = math.fsum((item.score or 0.0) for item in items) / len(items)
    squares = math.fsum(one["mean_square"] for one in counted) / len(items)
    return math.sqrt(max(0.0, squares - mean * mean) / max(tokens - 1, 1))


def _scored(model: "Scorer", name: str, window: list[int]) -> Item:
    from runner.engine.scoring import log_likelihoods

    began = time.perf_counter()
    losses: list[float] = []
    after = first_of(window) + 1
    for block in model.logits(window[:-1], after - 1):
        losses += (-log_likelihoods(block, window[after : after + len(block)])).tolist()
        after += len(block)
    squares = math.fsum(loss * loss for loss in losses)
    return Item(
        id=name,
        score=math.fsum(losses) / len(losses),
        extracted=json.dumps({"tokens": len(losses), "mean_square": squares / len(losses)}),
        prompt_tokens=len(window),
        seconds=time.perf_counter() - began,
    )
