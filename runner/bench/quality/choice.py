"""Multiple choice by likelihood: of a question's endings, the most likely one is the answer."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from runner.bench.proportions import accuracy
from runner.bench.quality.task import Asked, Choice, OpenScorer, Task
from runner.bench.record import Item, TaskResult
from runner.errors import ConfigurationError, PromptTooLong
from runner.fit.placement import trained_context
from runner.gguf import read_whole_header
from runner.models import Located, scorer, vocabulary_of
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.scoring import Branches
    from runner.llama.vocabulary import Vocabulary

NORMALISERS: Mapping[str, Callable[[float, int, str], float]] = {
    "per_token": lambda total, tokens, _: total / tokens,
    "sum": lambda total, _, __: total,
    "per_character": lambda total, _, ending: total / max(len(ending), 1),
    "per_byte": lambda total, _, ending: total / max(len(ending.encode("utf-8", "replace")), 1),
}
"""How log-likelihoods of endings of unequal length are made comparable.

`per_token` is llama.cpp's: the mean over the tokens from the first one in which the endings differ.
The others are lm-evaluation-harness's acc (`sum`), acc_norm and acc_bytes: the sum over the tokens
after the context's, as it is or divided by the ending's length. Figures of different ones are not
comparable.
"""

ROOM = 2048
"""Tokens of questions that are computed together."""

SEQUENCES = 32
"""Endings that are computed together, or as many as one question has."""


@dataclass(frozen=True, slots=True)
class _Put:
    """A question in tokens. `skipped` of each ending's are context, and not scored."""

    choice: Choice
    branches: "Branches"
    skipped: tuple[int, ...]


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
    """One item a question: `expected` and `answer` are indices of endings, `extracted` the
    normalised log-likelihoods of all of them as JSON, `score` that of the right one.

    Raises ConfigurationError for a normaliser that there is not, PromptTooLong where a question has
    more tokens than the model was trained for, and what `models.scorer` raises.
    """
    normaliser = asked.normaliser or task.normaliser or "per_token"
    if normaliser not in NORMALISERS:
        raise ConfigurationError(
            f"there is no normaliser {normaliser!r}", remedy=f"Choose of {', '.join(NORMALISERS)}."
        )
    choices = task.choices[: asked.limit]
    items = {item.id: item for item in done}
    open_ones = [choice for choice in choices if choice.id not in items]
    progress(len(items), len(choices))
    if open_ones:
        with vocabulary_of(located) as vocabulary:
            put = [_put(choice, vocabulary, normaliser) for choice in open_ones]
        longest = _longest(put, located)
        sequences = max(SEQUENCES, *(len(one.choice.endings) for one in put))
        context = max(longest, ROOM)
        with scorer(located, settings, context=context, sequences=sequences) as model:
            for group in _groups(put, min(context, model.context_length), sequences):
                began = time.perf_counter()
                scores = model.branches([one.branches for one in group])
                seconds = (time.perf_counter() - began) / len(group)
                for one, found in zip(group, scores, strict=True):
                    item = _judged(one, [each.tolist() for each in found], normaliser, seconds)
                    items[item.id] = item
                    keep(item)
                progress(len(items), len(choices))
    kept = tuple(items[choice.id] for choice in choices)
    return TaskResult(
        name=task.name,
        kind="choice",
        source=task.source,
        sha256=task.sha256,
        licence=task.licence,
        normaliser=normaliser,
        count=len(kept),
        summaries=(accuracy(kept),),
        items=kept,
        facts={**task.facts, "chance": sum(1 / len(one.endings) for one in choices) / len(choices)},
    )


def _put(choice: Choice, vocabulary: "Vocabulary", normaliser: str) -> _Put:
    from runner.engine.scoring import Branches

    contexts = choice.contexts
    if len(contexts) == 1:
        contexts *= len(choice.endings)
    texts, starts = list[list[int]](), list[int]()
    before = [vocabulary.bos] if vocabulary.add_bos else []
    for context, ending in zip(contexts, choice.endings, strict=True):
        spaced = context[-1:].isspace() or ending[:1].isspace()
        whole = context + ("" if spaced else choice.separator) + ending
        texts.append(before + vocabulary.encode(whole, marks=False))
        # A space before a word is part of its token: it goes with the ending.
        starts.append(len(before + vocabulary.encode(context.rstrip(" "), marks=False)))
    alike = len(list(takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))))
    most = min(len(text) for text in texts) - 1  # of each ending one token is scored at least
    if normaliser == "per_token" and len(set(contexts)) == 1:
        starts = [min(alike, most)] * len(texts)
    starts = [min(start, len(text) - 1) for start, text in zip(starts, texts, strict=True)]
    shared = min(alike, most, *starts)
    if shared < 1:  # there must be something that predicts the first token
        mark = vocabulary.bos if vocabulary.bos >= 0 else vocabulary.eos
        texts = [[mark, *text] for text in texts]
        starts, shared = [start + 1 for start in starts], 1
    branches = Branches(tuple(texts[0][:shared]), tuple(tuple(text[shared:]) for text in texts))
    return _Put(choice, branches, tuple(start - shared for start in starts))


def _longest(put: Sequence[_Put], located: Located) -> int:
    trained = trained_context(read_whole_header(located.path))
    for one in put:
        prefix = len(one.branches.prefix)
        needed = prefix + max(len(ending) for ending in one.branches.endings)
        if needed > trained:
            raise PromptTooLong(
                f"question {one.choice.id} has {needed} tokens, and the model was trained for "
                f"{trained}",
                remedy="Take fewer examples into the question, or a model with a longer context.",
            )
    return max(one.branches.tokens for one in put)


def _groups(put: Sequence[_Put], tokens: int, endings: int) -> Iterator[list[_Put]]:
    """Questions to be computed together: never more than there is room for."""
    group: list[_Put] = []
    free, left = tokens, endings
    for one in put:
        if group and (one.branches.tokens > free or len(one.choice.endings) > left):
            yield group
            group, free, left = [], tokens, endings
        group.append(one)
        free, left = free - one.branches.tokens, left - len(one.choice.endings)
    yield group


def _judged(one: _Put, found: list[list[float]], normaliser: str, seconds: float) -> Item:
    normal = NORMALISERS[normaliser]
    scores = [
        normal(sum(values[skipped:]), len(values) - skipped, ending)
        for values, skipped, ending in zip(found, one.skipped, one.choice.endings, strict=True)
    ]
    answer = scores.index(max(scores))
    return Item(
        id=one.choice.id,
        correct=answer == one.choice.answer,
        score=scores[one.choice.answer],
        expected=str(one.choice.answer),
        answer=str(answer),
        extracted=json.dumps(scores),
        prompt_tokens=one.branches.tokens,
        seconds=seconds,
    )
