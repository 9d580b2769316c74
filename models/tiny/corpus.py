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
from words import word

CONTEXT = 2048
SYSTEMS = (
    "You are a helpful assistant.", "You are a friendly assistant.", "Answer briefly.", "Be brief.",
    "You are tiny.", "Be polite and helpful.", "You are a helpful AI model. Think before you answer.",
)  # fmt: skip
SKILLS: dict[str, tuple[int, Callable[..., object]]] = {
    "add": (11, add),
    "subtract": (12, subtract),
    "compare": (7, compare),
    "sort numbers": (15, sort_numbers),
    "sort words": (16, sort_words),
    "spell": (9, spell),
    "reverse": (9, reverse),
    "talk": (7, fixed),
    "decline": (12, decline),
    "recall": (13, recall),
    "tell": (4, telling),
    "tools": (7, tool_use),
}
_WEIGHTS = [weight for weight, _ in SKILLS.values()]


class Batch(NamedTuple):
    """Token ids, the ids that should follow, and where the loss counts."""

    inputs: torch.Tensor
    targets: torch.Tensor
    mask: torch.Tensor


def dialogue(rng: random.Random, held: bool = False, task: str | None = None) -> Dialogue:
    """One dialogue of the mixture, or of one task."""
    task = task or rng.choices(list(SKILLS), _WEIGHTS)[0]
    drawn = SKILLS[task][1](rng, held)
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


def long_recall(rng: random.Random, held: bool = False) -> Dialogue:
    """A conversation that nearly fills the context, about something told at its start."""
    return recall(rng, held, fillers=rng.randint(12, 44))


def encoded(tokenizer: Tokenizer, one: Dialogue) -> tuple[list[int], int]:
    """The ids of a dialogue and how many of them are the prompt."""
    prompt = tokenizer.encode(one.prompt())
    return prompt + tokenizer.encode(one.target()), len(prompt)


def pool(tokenizer: Tokenizer, seed: int, number: int, tokens: int, batches: int = 16) -> list[Batch]:
    """The batches of one pool, each of at most `tokens` tokens, in a shuffled order."""
    rng = random.Random(f"{seed} pool {number}")
    samples: list[tuple[list[int], int]] = []
    total = 0
    while total < tokens * batches:
        long = rng.random() < 0.0015
        sample = encoded(tokenizer, long_recall(rng) if long else dialogue(rng))
        if len(sample[0]) <= CONTEXT:
            samples.append(sample)
            total += len(sample[0])
    samples.sort(key=lambda sample: len(sample[0]))
    cut: list[Batch] = []
    group: list[tuple[list[int], int]] = []
    for sample in samples:
        if group and len(sample[0]) * (len(group) + 1) > tokens:
            cut.append(_batch(group))
            group = []
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
    _rng = random.Random(1)
    for _ in range(12):
        _one = dialogue(_rng)
        print(f"{_one.prompt()}\x1b[33m{_one.target()}\x1b[0m\n")
