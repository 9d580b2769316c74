"""How people put a question: phrasings by task, and the ways they are roughened.

Each task has phrasings to train on and others that only the evaluation uses.
`ask` picks one, fills in its slots and, in training and evaluation alike,
drops capitals or the full stop, adds a "please" or swaps two letters, as people
who type do. Slots are filled last, so that what is asked about stays as it is.
"""

from __future__ import annotations

import re

from data_files import blocks
from words import Draw

TRAIN = blocks("asks.txt")
HELD = blocks("asks_held_out.txt")
LATE = blocks("asks_late.txt")
_FIRST, _LAST = LATE.pop("first"), LATE.pop("last")
LATE = {task: TRAIN[task] + LATE.get(task, []) for task in TRAIN}
_FACTS = ("tell", "change")  # what states a fact may have an ending, but no request before it

_BEFORE = ["please ", "Hey, ", "ok, ", "now ", "and ", "So ", "tiny, ", "Then ", "Ok ", "Hi, "]
_BEFORE_HELD = ["well, ", "right, ", "all right, ", "next, "]
_SLOT = re.compile(r"(\{\w\})")


def _typo(rng: Draw, text: str) -> str:
    """Swap, drop or double one letter of the phrasing, never of its slots."""
    parts = _SLOT.split(text)
    places = [
        (i, j)
        for i in range(0, len(parts), 2)
        for j in range(1, len(parts[i]) - 1)
        if parts[i][j].isalpha()
    ]
    if not places:
        return text
    i, j = rng.choice(places)
    part = parts[i]
    kind = rng.random()
    if kind < 0.4:
        part = part[:j] + part[j + 1 :]
    elif kind < 0.7:
        part = part[:j] + part[j] + part[j:]
    else:
        part = part[:j] + part[j + 1] + part[j] + part[j + 2 :]
    parts[i] = part
    return "".join(parts)


def ask(rng: Draw, task: str, held: bool, **slots: object) -> str:
    """A way to ask for a task, as someone might type it."""
    lists = HELD if held else LATE if rng.late else TRAIN
    text = rng.choice(lists.get(task) or TRAIN[task]).strip()
    if rng.late and not held and len(text) > 8 and text[0] != "{" and rng.random() < 0.3:
        text = _wrapped(rng, text, task.startswith(_FACTS))
    return roughen(rng, text, held).format(**slots)


def _wrapped(rng: Draw, text: str, fact: bool) -> str:
    """A phrasing with something said before it or after it."""
    if rng.random() < 0.6:
        return rng.choice(_FIRST[9:] if fact else _FIRST) + text[0].lower() + text[1:]
    return text.rstrip(".?!") + rng.choice(_LAST) + text[len(text.rstrip(".?!")) :]


def roughen(rng: Draw, text: str, held: bool) -> str:
    """The same text as hurried, shy or careless people type it."""
    if rng.random() < 0.08 and " " in text and text[0] != "{":
        text = rng.choice(_BEFORE_HELD if held else _BEFORE) + text[0].lower() + text[1:]
    if rng.random() < 0.35:
        text = text.lower()
    if rng.random() < 0.35 and text[-1] in ".?!":
        text = text[:-1].rstrip()
    elif rng.random() < 0.05:
        text += rng.choice((" please", "!", " ?", "...", "?", " "))
    if rng.random() < 0.06:
        text = _typo(rng, text)
    return text
