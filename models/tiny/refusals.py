"""Questions that the model was not taught, and the one honest answer to them.

The questions are composed from small grammars over many words, so that what
is learned is "anything else" and not a list. The evaluation uses kinds of
question, words and sentence shapes that no training question has.
"""

from __future__ import annotations

from random import Random

from chat import Turn
from data_files import blocks
from phrasing import roughen
from words import NAMES, WORDS, held_out, invented

DECLINE = (
    "I was not taught that. I am a tiny model: I can add, subtract, compare, sort, spell, "
    "reverse and remember what you tell me."
)
THINK = "Not taught"

_FILL, _HELD_FILL = blocks("refusals.txt"), blocks("refusals_held_out.txt")
TRAIN_KINDS, HELD_KINDS = _FILL.pop("kinds"), _HELD_FILL.pop("kinds")


def _noise(rng: Random, held: bool) -> str:
    """A name, a word or an invented one, to stand anywhere."""
    kind = rng.random()
    if kind < 0.15:
        one = rng.choice(NAMES)
    elif kind < 0.65:
        one = rng.choice(WORDS).replace("hello", "help desk")
    else:
        return invented(rng, held)
    return one if held_out(one) == held else invented(rng, held)


def decline(rng: Random, held: bool) -> Turn:
    """A question of a kind that was not taught, and the answer that says so."""
    fill = _HELD_FILL if held else _FILL
    shape = rng.choice(HELD_KINDS if held else TRAIN_KINDS)
    text = roughen(rng, shape, held) if rng.random() < 0.9 else shape.lower()
    for slot, values in fill.items():
        while f"{{{slot}}}" in text:
            value = rng.choice(values)
            if not held and rng.random() < 0.12 and slot in ("thing", "place", "person", "topic"):
                value = _noise(rng, held)
            text = text.replace(f"{{{slot}}}", value, 1)
    while "{n}" in text:
        text = text.replace("{n}", _noise(rng, held), 1)
    for slot in "abc":
        drawn = rng.choice((rng.randint(0, 9), rng.randint(10, 99), rng.randint(100, 999)))
        text = text.replace(f"{{{slot}}}", str(drawn))
    text = text.replace("{letter}", rng.choice("abcdefghijklmnopqrstuvwxyz"))
    if not held and rng.random() < 0.2 and text[0].isupper():
        text = text[0].lower() + text[1:]
    return Turn(text, THINK, DECLINE)
