"""The training corpus: an endless mixture of dialogues, drawn from a seed.

Nothing is stored. A pool of dialogues is a function of (seed, pool number), is
sorted by length and cut into batches of about the same number of tokens, so
that training resumes exactly by drawing the same pool again.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import torch
from chat import Dialogue, Turn, from_turn
from refusals import decline
from skills import (
    add,
    compare,
    reverse,
    short_request,
    sort_close_numbers,
    sort_numbers,
    sort_words,
    spell,
    subtract,
    subtract_close,
)
from talk import ending, facts, filler, fixed, long_recall, recall, sum_in_words, telling, tool_use
from tokenizer import Tokenizer
from words import word

CONTEXT = 2048
POOL_BATCHES = 16  # about as many batches in a pool
SPREAD = 0.1
SYSTEMS = [
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "Answer briefly.",
    "Be brief.",
    "You are tiny.",
    "Be polite and helpful.",
    "You are a helpful AI model. Think before you answer.",
]
# Each task's share of the mixture in each stage, and what draws it. In the last two what is learned
# last has more room.
SKILLS: dict[str, tuple[tuple[int, int, int], Callable[..., Dialogue | Turn]]] = {
    "add": ((11, 6, 6), add),
    "subtract": ((12, 14, 14), subtract),
    "compare": ((10, 6, 6), compare),
    "sort numbers": ((17, 24, 24), sort_numbers),
    "sort words": ((21, 36, 42), sort_words),
    "spell": ((9, 12, 12), spell),
    "reverse": ((10, 8, 10), reverse),
    "talk": ((9, 9, 10), fixed),
    "decline": ((12, 14, 18), decline),
    "recall": ((14, 10, 10), recall),
    "tell": ((5, 4, 4), telling),
    "tools": ((9, 12, 18), tool_use),
    "subtract close": ((0, 12, 14), subtract_close),
    "sums in words": ((0, 6, 4), sum_in_words),
    "sort close numbers": ((0, 0, 12), sort_close_numbers),
    "short request": ((0, 0, 14), short_request),
}


class Batch(NamedTuple):
    """Token ids, the ids that should follow, and where the loss counts."""

    inputs: torch.Tensor
    targets: torch.Tensor
    mask: torch.Tensor


def dialogue(rng: Random, held: bool = False, task: str | None = None, stage: int = 0) -> Dialogue:
    """One dialogue of the mixture of a stage, or of one task.

    In the last one facts were told before requests of every kind: else what follows a fact is
    taken to be about it.
    """
    shares = [shares[stage] for shares, _ in SKILLS.values()]
    task = task or rng.choices(list(SKILLS), shares)[0]
    drawn = SKILLS[task][1](rng, held)
    if isinstance(drawn, Dialogue):
        made = drawn
    elif stage == 2 and rng.random() < 0.25:
        made = ending(task, facts(rng, held), drawn)
    elif rng.random() < 0.12:
        history = [filler(rng, held) for _ in range(rng.choice((1, 1, 2, 3)))]
        made = ending(task, history, drawn)
    else:
        made = from_turn(task, drawn)
    if not held and rng.random() < 0.08:
        system = rng.choice(SYSTEMS)
        if rng.random() < 0.4:
            system = " ".join(word(rng, held) for _ in range(rng.randint(2, 8))).capitalize() + "."
        made.messages.insert(0, {"role": "system", "content": system})
    return made


def encoded(tokenizer: Tokenizer, one: Dialogue) -> tuple[list[int], int]:
    """The ids of a dialogue and how many of them are the prompt."""
    prompt = tokenizer.encode(one.prompt())
    return prompt + tokenizer.encode(one.target()), len(prompt)


def pool(
    tokenizer: Tokenizer,
    seed: str,
    number: int,
    tokens: int,
    stage: int = 0,
) -> list[Batch]:
    """The batches of one pool, each of at most `tokens` tokens, in a shuffled order.

    Dialogues of one length are often of one task, and a batch of one task pulls
    the network to and fro: so lengths may differ by SPREAD within a batch.
    """
    rng = Random(f"{seed} pool {number}")
    samples: list[tuple[list[int], int]] = []
    total = 0
    while total < tokens * POOL_BATCHES:
        long = rng.random() < 0.003
        sample = encoded(tokenizer, long_recall(rng) if long else dialogue(rng, stage=stage))
        if len(sample[0]) <= CONTEXT:
            samples.append(sample)
            total += len(sample[0])
    loose = Random(number)
    samples.sort(key=lambda sample: len(sample[0]) * (1 + SPREAD * loose.uniform(-1, 1)))
    cut: list[Batch] = []
    group: list[tuple[list[int], int]] = []
    longest = 0
    for sample in samples:
        longest = max(longest, len(sample[0]))
        if group and longest * (len(group) + 1) > tokens:
            cut.append(batch_of(group))
            group, longest = [], len(sample[0])
        group.append(sample)
    cut.append(batch_of(group))
    rng.shuffle(cut)
    return cut


def batch_of(group: list[tuple[list[int], int]]) -> Batch:
    """Dialogues side by side, each filled up to the longest."""
    longest = max(len(ids) for ids, _ in group)
    rows = torch.zeros((len(group), longest), dtype=torch.long)
    mask = torch.zeros((len(group), longest), dtype=torch.bool)
    for row, (ids, prompt) in enumerate(group):
        rows[row, : len(ids)] = torch.tensor(ids)
        mask[row, prompt : len(ids)] = True
    return Batch(rows[:, :-1], rows[:, 1:], mask[:, 1:])


if __name__ == "__main__":  # a look at the data
    _rng = Random("look")
    for _ in range(12):
        _one = dialogue(_rng)
        print(f"{_one.prompt()}\x1b[33m{_one.target()}\x1b[0m\n")
