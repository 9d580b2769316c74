"""Tasks that need no generated answer: what a model finds likely is read off its logits.

One `evaluate` for the three kinds: a text's perplexity, its divergence from a reference model's
predictions, and multiple choice by the likelihood of the endings.
"""

from collections.abc import Callable, Sequence

from runner.bench.quality.task import Asked, OpenScorer, Task
from runner.bench.record import Item, TaskResult
from runner.errors import ConfigurationError
from runner.models import Located, scorer
from runner.settings import Settings


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
    """See `task.Evaluate`. A text with `asked.reference` gives its divergence from that model.

    Raises ConfigurationError where the task does not suit the model, PromptTooLong where a question
    does not fit into its context, and what `models.scorer` raises.
    """
    from runner.bench.quality import choice, divergence, perplexity

    if task.kind == "choice":
        put = choice.evaluate
    elif asked.reference is not None:
        put = divergence.evaluate
    elif task.kind == "divergence":
        raise ConfigurationError(
            "a divergence is from another model, and none was named",
            remedy="Name it with --reference, best the same model in F16 or Q8_0.",
        )
    else:
        put = perplexity.evaluate
    return put(
        task, located, settings, asked, done=done, keep=keep, progress=progress, scorer=scorer
    )
