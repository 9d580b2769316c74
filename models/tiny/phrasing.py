"""How people put a question: phrasings by task, and the ways they are roughened.

A line of `asks.txt` is many phrasings at once: each group in parentheses is one of
its parts. The evaluation has phrasings of its own, and no phrasing that is drawn
for training says the same as one of them. `ask` draws one, drops capitals or the
full stop, adds a "please" or swaps two letters, as people who type do, and fills
in its slots last, so that what is asked about stays as it is.
"""

from __future__ import annotations

import re
from math import log2, prod
from random import Random

from data_files import blocks

_GROUP = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"(\{\w+\})")
_SAID = re.compile(r"\{\w\}|[+\-*/]|\w+")
_FACTS = ("tell", "change")  # what states a fact may have an ending, but no request before it

TRAIN, HELD = blocks("asks.txt"), blocks("asks_held_out.txt")
_BEFORE, _BEFORE_FACT, _AFTER = (TRAIN.pop(title) for title in ("before", "before a fact", "after"))
_COLOUR, _NUMBER = TRAIN.pop("colour"), TRAIN.pop("number")
_SORT = TRAIN.pop("sort")
for _task in ("sort numbers", "sort words"):
    TRAIN[_task] = _SORT + TRAIN[_task]
_BEFORE_HELD = ["well, ", "right, ", "all right, ", "next, "]


def _count(line: str) -> int:
    """How many phrasings a line stands for."""
    return prod(group.count("|") + 1 for group in _GROUP.findall(line))


_WEIGHTS = {task: [1 + log2(_count(line)) for line in lines] for task, lines in TRAIN.items()}


def said(text: str) -> str:
    """A phrasing without its capitals and signs: what it has in common with how it is typed."""
    return " ".join(_SAID.findall(text.lower()))


_HELD_SAID = {said(text) for lines in HELD.values() for text in lines}


def _typo(rng: Random, text: str) -> str:
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


def _composed(rng: Random, task: str) -> str:
    """A phrasing to train on, put together from the parts of a line."""
    line = rng.choices(TRAIN[task], _WEIGHTS[task])[0]
    text = _GROUP.sub(lambda group: rng.choice(group[1].split("|")), line)
    text = text.replace("{c}", rng.choice(_COLOUR)).replace("{k}", rng.choice(_NUMBER))
    text = " ".join(text.split())
    if len(text) > 8 and text[0] != "{" and rng.random() < 0.25:
        text = _wrapped(rng, text, task.startswith(_FACTS))
    return text


def _wrapped(rng: Random, text: str, fact: bool) -> str:
    """A phrasing with something said before it or after it."""
    if rng.random() < 0.6:
        before = rng.choice(_BEFORE_FACT if fact else _BEFORE)
        return before + text[0].lower() + text[1:]
    bare = text.rstrip(".?!")
    return bare + rng.choice(_AFTER) + text[len(bare) :]


def ask(rng: Random, task: str, held: bool, **slots: object) -> str:
    """A way to ask for a task, as someone might type it."""
    if held and task in HELD:
        text = rng.choice(HELD[task])
    else:
        text = _composed(rng, task)
        while said(text) in _HELD_SAID:
            text = _composed(rng, task)
    return roughen(rng, text, held).format(**slots)


def roughen(rng: Random, text: str, held: bool) -> str:
    """The same text as hurried, shy or careless people type it."""
    if held and rng.random() < 0.08 and " " in text and text[0] != "{":
        text = rng.choice(_BEFORE_HELD) + text[0].lower() + text[1:]
    if rng.random() < 0.35:
        text = text.lower()
    if rng.random() < 0.35 and text[-1] in ".?!":
        text = text[:-1].rstrip()
    elif rng.random() < 0.05:
        text += rng.choice((" please", "!", " ?", "...", "?", " "))
    if rng.random() < 0.06:
        text = _typo(rng, text)
    return text
