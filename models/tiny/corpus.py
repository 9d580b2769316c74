"""The training corpus: an endless mixture of dialogues, drawn from a seed.

Nothing is stored. A pool of dialogues is a function of (seed, pool number), is
sorted by length and cut into batches of about the same number of tokens, so
that training resumes exactly by drawing the same pool again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import torch
from chat import Dialogue, from_turn
from refusals import decline
from skills import add, compare, reverse, sort_numbers, sort_words, spell, subtract
from talk import ending, filler, fixed, recall, telling, tool_use
from tokenizer import Tokenizer
from words import Draw, word

CONTEXT = 2048
POOL_BATCHES = 16  # about as many batches in a pool
SYSTEMS = [
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "Answer briefly.",
    "Be brief.",
    "You are tiny.",
    "Be polite and helpful.",
    "You are a helpful AI model. Think before you answer.",
]
# Each task's share of the mixture, its share later on, when what is learned late
# gets more room, and what draws it.
SKILLS: dict[str, tuple[int, int, Callable[..., object]]] = {
    "add": (11, 8, add),
    "subtract": (12, 12, subtract),
    "compare": (7, 14, compare),
    "sort numbers": (15, 16, sort_numbers),
    "sort words": (16, 22, sort_words),
    "spell": (9, 10, spell),
    "reverse": (9, 11, reverse),
    "talk": (7, 8, fixed),
    "decline": (12, 10, decline),
    "recall": (13, 14, recall),
    "tell": (4, 5, telling),
    "tools": (7, 11, tool_use),
}
_EARLY = [early for early, _, _ in SKILLS.values()]
_LATE = [late for _, late, _ in SKILLS.values()]


class Batch(NamedTuple):
    """Token ids, the ids that should follow, and where the loss counts."""

    inputs: torch.Tensor
    targets: torch.Tensor
    mask: torch.Tensor


def dialogue(rng: Draw, held: bool = False, task: str | None = None) -> Dialogue:
    """One dialogue of the mixture, or of one task."""
    task = task or rng.choices(list(SKILLS), _LATE if rng.stage else _EARLY)[0]
    drawn = SKILLS[task][2](rng, held)
    if isinstance(drawn, Dialogue):
        made = drawn
    elif rng.random() < 0.12:
        history = [filler(rng, held) for _ in range(rng.choice((1, 1, 2, 3)))]
        made = ending(task, history, drawn)  # type: ignore[arg-type]
    else:
        made = from_turn(task, drawn)  # type: ignore[arg-type]
    if not held and rng.random() < 0.08:
        system = rng.choice(SYSTEMS)
        if rng.random() < 0.4:
            system = " ".join(word(rng, held) for _ in range(rng.randint(2, 8))).capitalize() + "."
        made.messages.insert(0, {"role": "system", "content": system})
    return made


def long_recall(rng: Draw, held: bool = False) -> Dialogue:
    """A conversation that nearly fills the context, about something told at its start."""
    return recall(rng, held, fillers=rng.randint(12, 44))


def encoded(tokenizer: Tokenizer, one: Dialogue) -> tuple[list[int], int]:
    """The ids of a dialogue and how many of them are the prompt."""
    prompt = tokenizer.encode(one.prompt())
    return prompt + tokenizer.encode(one.target()), len(prompt)


def pool(
    tokenizer: Tokenizer,
    seed: str,
    number: int,
    tokens: int,
    spread: float = 0.0,
    stage: int = 0,
) -> list[Batch]:
    """The batches of one pool, each of at most `tokens` tokens, in a shuffled order.

    Dialogues of one length are often of one task, and a batch of one task pulls
    the network to and fro: `spread` lets lengths differ by that share within a batch.
    """
    rng = Draw(f"{seed} pool {number}", stage)
    samples: list[tuple[list[int], int]] = []
    total = 0
    while total < tokens * POOL_BATCHES:
        long = rng.random() < 0.0015
        sample = encoded(tokenizer, long_recall(rng) if long else dialogue(rng))
        if len(sample[0]) <= CONTEXT:
            samples.append(sample)
            total += len(sample[0])
    loose = random.Random(number)
    samples.sort(key=lambda sample: len(sample[0]) * (1 + spread * loose.uniform(-1, 1)))
    cut: list[Batch] = []
    group: list[tuple[list[int], int]] = []
    longest = 0
    for sample in samples:
        longest = max(longest, len(sample[0]))
        if group and longest * (len(group) + 1) > tokens:
            cut.append(_batch(group))
            group, longest = [], len(sample[0])
        group.append(sample)
    cut.append(_batch(group))
    rng.shuffle(cut)
    return cut


def _batch(group: list[tuple[list[int], int]]) -> Batch:
    longest = max(len(ids) for ids, _ in group)
    rows = torch.zeros((len(group), longest), dtype=torch.long)
    mask = torch.zeros((len(group), longest), dtype=torch.bool)
    for row, (ids, prompt) in enumerate(group):
        rows[row, : len(ids)] = torch.tensor(ids)
        mask[row, prompt : len(ids)] = True
    return Batch(rows[:, :-1], rows[:, 1:], mask[:, 1:])


if __name__ == "__main__":  # a look at the data
    _rng = Draw("look")
    for _ in range(12):
        _one = dialogue(_rng)
        print(f"{_one.prompt()}\x1b[33m{_one.target()}\x1b[0m\n")
