"""A task: questions with known answers, or a text, and how a model's answers are judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from runner.bench.quality.reading import Reading
from runner.bench.record import Item, TaskResult
from runner.models import Located
from runner.prompt import Message
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.scoring import Scorer

TaskKind = Literal["perplexity", "divergence", "choice", "generated"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One question to be answered by the likelihood of its endings. Each ending follows its own
    context (the same text for all, but for tasks such as WinoGrande); `answer` is the index of the
    right one. Where `separator` is not in the texts, it stands between context and ending."""

    id: str
    contexts: tuple[str, ...]
    endings: tuple[str, ...]
    answer: int
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question to be answered in words. `matcher` names how an answer is held against
    `expected` (see `quality.matching`), and `reading` what of it is, where not all."""

    id: str
    messages: tuple[Message, ...]
    expected: str
    matcher: str
    tools: tuple[dict[str, Any], ...] = ()
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """`source` is the path, the name of a shipped task or the reference it was fetched by, and
    `sha256` of the bytes of its file; `licence` "" where the file does not say."""

    name: str
    kind: TaskKind
    source: str
    sha256: str
    licence: str = ""
    normaliser: str = ""
    text: str = ""
    choices: tuple[Choice, ...] = ()
    questions: tuple[Question, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a task is put: at most `limit` items (the first ones), `samples` answers to each
    question, at most `max_tokens` of reply; the context of perplexity in tokens; the model that a
    divergence is from; how the likelihoods of endings are made comparable, where not as the task
    says (see `choice.NORMALISERS`); how many questions are answered at once, None for the usual."""

    limit: int | None = None
    samples: int = 1
    max_tokens: int | None = None
    window: int = 512
    reference: Located | None = None
    normaliser: str | None = None
    at_once: int | None = None


class OpenScorer(Protocol):
    """Loads a model to score texts, as `models.scorer` does."""

    def __call__(
        self, located: Located, settings: Settings, *, context: int, sequences: int = 1
    ) -> "Scorer": ...


class Evaluate(Protocol):
    """What each kind of task of likelihoods has: put it to a model, which `scorer` loads, and score
    it.

    `done` are items of an earlier, interrupted run, which are not asked again; `keep` gets each
    item as soon as it is there; `progress` the number done and the number of all.
    Raises KeyboardInterrupt between items; what was kept stays.
    """

    def __call__(
        self,
        task: Task,
        located: Located,
        settings: Settings,
        asked: Asked,
        *,
        done: Sequence[Item],
        keep: Callable[[Item], None],
        progress: Callable[[int, int], None],
        scorer: OpenScorer,
    ) -> TaskResult: ...
