"""The words, names and colours of the corpus, and the line between training and held-out ones.

Real words are listed; invented ones are drawn from syllables or from random
letters, so that copying and spelling are learned as operations on letters
and not as a list of known words. A word is held out when a checksum of its
letters says so, which no later edit of a list can change.
"""

from __future__ import annotations

import zlib
from random import Random

from data_files import blocks
from tokenizer import OPENING, SPACED

_LISTS = {title: " ".join(lines).split() for title, lines in blocks("words.txt").items()}
WORDS, NAMES, COLOURS = _LISTS["words"], _LISTS["names"], _LISTS["colours"]

_HEADS = [word.lower() for word in SPACED + OPENING]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ONSETS = list("bcdfghjklmnpqrstvwxyz")
_ONSETS += ["bl", "br", "ch", "cl", "cr", "dr", "fl", "fr", "gl", "gr", "pl", "pr", "sh", "sl"]
_ONSETS += ["sn", "sp", "st", "str", "th", "tr", "tw", "wh"]
_NUCLEI = [*"aeiouaeiou", "ai", "ea", "ee", "oa", "oo", "ou", "ie"]
_CODAS = ["", "", "", "", *"bdgklmnprstxz", "ck", "ll", "nd", "ng", "nt", "rd", "rn", "sh", "ss"]
_CODAS += ["st", "th", "tt"]


def held_out(word: str) -> bool:
    """Whether a word belongs to the held-out tenth (its case does not matter)."""
    return zlib.crc32(word.lower().encode()) % 10 == 3


def _pick(rng: Random, words: list[str], held: bool) -> str:
    while True:
        word = rng.choice(words)
        if held_out(word) == held:
            return word


def invented(rng: Random, held: bool, longest: int = 10) -> str:
    """A word that does not exist: mostly pronounceable, sometimes random letters."""
    while True:
        if not held and rng.random() < 0.4:
            # Begin as one of the tokenizer's words does, so that its pieces are learned too.
            start = rng.choice(_HEADS)
            word = start[: rng.randint(2, len(start))] if len(start) > 1 else start
            word += "".join(rng.choice(_LETTERS) for _ in range(rng.randint(1, 5)))
        elif rng.random() < 0.75:
            word = ""
            for _ in range(rng.choice((1, 2, 2, 3, 3))):
                word += rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS)
        else:
            word = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(3, 8)))
        if 2 < len(word) <= longest and held_out(word) == held:
            return word


def word(rng: Random, held: bool, real: float = 0.4) -> str:
    """A word to spell or sort. Held-out ones are real more often than training ones."""
    return _pick(rng, WORDS, held) if rng.random() < real else invented(rng, held)


def name(rng: Random, held: bool) -> str:
    """A person's name: a listed one or an invented one."""
    if rng.random() < 0.5:
        return _pick(rng, NAMES, held)
    return invented(rng, held, 9).capitalize()


def colour(rng: Random, held: bool) -> str:
    """A colour: a listed one or, in training, now and then a word that is none."""
    if held or rng.random() < 0.5:
        return _pick(rng, COLOURS, held)
    return word(rng, held)
