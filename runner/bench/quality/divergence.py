"""How far a model's predictions are from a reference model's, mostly itself in a finer
quantization: the Kullback-Leibler divergence after each token of a text."""

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from runner.bench.proportions import mean_summary
from runner.bench.quality.perplexity import perplexity
from runner.bench.quality.task import Asked, OpenScorer, Task
from runner.bench.quality.windows import check, cut, first_of
from runner.bench.record import Item, Summary, TaskResult
from runner.errors import ConfigurationError
from runner.models import Located, scorer
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.scoring import Logits, Scorer

FORMULA = "mean over tokens of sum p_ref (ln p_ref - ln p); interval over windows"
PERCENTILES = (50, 90, 95, 99, 99.9, 100)
ELEMENTS = 2**21
"""Numbers that are worked on at once, in double precision."""


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
    """One item a window: `score` is its mean divergence in nats; `extracted`, as JSON, has that of
    each token, how often both find the same token the most likely, and both means of −ln p.

    Both models are loaded together and read the same windows in the same steps, so that nothing has
    to be rounded or kept: a model's divergence from itself is exactly zero.
    Raises ConfigurationError where their vocabularies differ or the text is too short, and what
    `models.scorer` raises.
    """
    check(asked)
    assert asked.reference is not None
    known = {item.id: item for item in done}
    items: list[Item] = []
    with (
        scorer(asked.reference, settings, context=asked.window) as reference,
        scorer(located, settings, context=asked.window) as model,
    ):
        if not reference.vocabulary.speaks_like(model.vocabulary):
            raise ConfigurationError(
                f"{asked.reference.name} has another vocabulary than {located.name}",
                remedy="A reference is the same model in another quantization.",
            )
        windows = cut(task, model.vocabulary, asked)
        for number, window in enumerate(windows):
            item = known.get(str(number))
            if item is None:
                item = _scored(reference, model, str(number), window)
                keep(item)
            items.append(item)
            progress(len(items), len(windows))
    return TaskResult(
        name=task.name,
        kind="divergence",
        source=task.source,
        sha256=task.sha256,
        licence=task.licence,
        normaliser="per_token",
        count=len(items),
        summaries=_summaries(items),
        items=tuple(items),
        facts={**task.facts, "window": asked.window, "reference": asked.reference.name,
               "reference_quantization": asked.reference.quantization},
    )  # fmt: skip


def _scored(reference: "Scorer", model: "Scorer", name: str, window: list[int]) -> Item:
    import numpy as np

    from runner.engine.scoring import log_likelihoods

    began = time.perf_counter()
    rows = min(reference.rows, model.rows)
    after = first_of(window) + 1
    told, same = list[float](), 0
    losses: tuple[list[float], list[float]] = ([], [])
    blocks = (one.logits(window[:-1], after - 1, rows=rows) for one in (reference, model))
    for ours in zip(*blocks, strict=True):
        following = window[after : after + len(ours[0])]
        after += len(following)
        for kept, logits in zip(losses, ours, strict=True):
            kept += (-log_likelihoods(logits, following)).tolist()
        told += divergences(*ours)
        same += int(np.sum(ours[0].argmax(axis=1) == ours[1].argmax(axis=1)))
    counted = {
        "divergence": [float(f"{value:.6g}") for value in told],
        "same_top": same,
        "reference_loss": sum(losses[0]) / len(told),
        "loss": sum(losses[1]) / len(told),
    }
    return Item(
        id=name,
        score=sum(told) / len(told),
        extracted=json.dumps(counted),
        prompt_tokens=len(window),
        seconds=time.perf_counter() - began,
    )


def divergences(reference: "Logits", model: "Logits") -> list[float]:
    """Of each row of logits (tokens × vocabulary), in nats: sum p_ref (ln p_ref − ln p). Words that
    one vocabulary is padded with are left out."""
    import numpy as np

    from runner.engine.scoring import normalisers

    words = min(reference.shape[1], model.shape[1])
    step, found = max(1, ELEMENTS // words), list[float]()
    for start in range(0, len(reference), step):
        logs = [
            part - normalisers(part)[:, None]
            for part in (one[start : start + step, :words] for one in (reference, model))
        ]
        found += np.sum(np.exp(logs[0]) * (logs[0] - logs[1]), axis=1).tolist()
    return found


def _summaries(items: Sequence[Item]) -> tuple[Summary, ...]:
    import numpy as np

    counted: list[dict[str, Any]] = [json.loads(item.extracted) for item in items]
    tokens = [value for one in counted for value in one["divergence"]]
    shares = [one["same_top"] / len(one["divergence"]) for one in counted]
    ratios = [one["loss"] - one["reference_loss"] for one in counted]
    means = [item.score or 0.0 for item in items]
    return (
        mean_summary("divergence", "nats", FORMULA, means),
        *(
            Summary(
                f"divergence_p{percent:g}", "nats", "percentile over tokens",
                float(np.percentile(tokens, percent)), None, len(items), len(tokens),
            )
            for percent in PERCENTILES
        ),
        mean_summary("top1_agreement", "share", "tokens whose likeliest successor is the same in "
                     "both; interval over windows", shares),
        mean_summary("log_perplexity_ratio", "nats", "ln(perplexity / reference's perplexity); "
                     "interval over windows", ratios),
        perplexity([Item(item.id, score=one["loss"])
                    for item, one in zip(items, counted, strict=True)]),
    )  # fmt: skip
