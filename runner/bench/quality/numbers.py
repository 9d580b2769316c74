"""The number that an answer gives, however it is written."""

import re
from fractions import Fraction
from typing import NamedTuple

from runner.bench.quality.latex import UNIT, boxed, normalised

_DIGITS = r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
# As people write it: with a sign, commas between thousands, decimals, or as a fraction. What is
# taken away from another number ("12 minus 3") has no sign of its own.
_NUMBER = re.compile(
    rf"(?<![\w.])((?<!\d )(?i:minus|negative)\s+|[-−–])?({_DIGITS})(?:/(\d+)(?![\w/]|\.\d))?"
)
_FINAL = re.compile(r"####\s*(.+)")

# What may be in a text beside its number.
_THIN = re.compile(r"\\[,!]|(?<=\d)(?:\{,\}|[\u00a0\u2009\u202f])(?=\d{3})")
_CURRENCY = re.compile(r"(?<=[-−–])\\?[$€£](?=[\d.])")
_EXPONENT = re.compile(r"(?<=[A-Za-z}])\^\{?-?\d+\}?")
_OVER = re.compile(r"(?<![\d}])\\[dtc]?frac\{(-?\d+)\}\{(\d+)\}")

# And in a box: what it is equal to, words before it, and words or a unit after it.
_LED = re.compile(r"[^,;]*(?:=|≈|\\(?:approx|sim)(?![a-zA-Z]))")
_SIGN = re.compile(r"^(?i:minus|negative)(?=[\d\\.])")
_WORDS_BEFORE = re.compile(r"^[^\W\d_]{2,}[.:]?(?=[-\d\\.])")
_WORD = rf"(?:[^\W\d_]{{3,}}|{UNIT})(?:\^-?\d)?"
_WORDS_AFTER = re.compile(rf"(?<![\\a-zA-Z])/?{_WORD}(?:[/·-]{_WORD})*$")

_MIXED = re.compile(r"(-?)(\d+)\\frac\{(\d+)\}\{(\d+)\}")
_RATIO = re.compile(r"(-?)(?:\\frac\{(-?\d+)\}\{(-?\d+)\}|(\d+)/(\d+))")


class Said(NamedTuple):
    """What of an answer is its number, and the value; None where it has none."""

    text: str
    value: Fraction | None


def is_number(text: str) -> bool:
    """Whether it is one number and nothing else: "1,234" is, and "1,2" is a list."""
    return re.fullmatch(rf"\s*[-−–]?{_DIGITS}\s*", text) is not None


def last_number(text: str) -> Said:
    """What is in the last `\\boxed{}`, which must be a number but for a unit and words around it;
    else the number after the last `####`, else the last one of the text. A box that is empty, or
    has a word only, is none."""
    bare = normalised(boxed(text) or "")
    if bare and not bare.isalpha():
        return Said(bare, number_of(_alone(bare)))
    for place in (*_FINAL.findall(text)[-1:], text):
        if (found := _last(place)).text:
            return found
    return Said("", None)


def number_of(text: str) -> Fraction | None:
    """The value of normalised LaTeX that is a number or a fraction of two; None of all else."""
    try:
        if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
            return Fraction(text)
        if found := _MIXED.fullmatch(text):
            value = int(found[2]) + Fraction(int(found[3]), int(found[4]))
        elif found := _RATIO.fullmatch(text):
            value = Fraction(int(found[2] or found[4]), int(found[3] or found[5]))
        else:
            return None
    except (ValueError, ZeroDivisionError):  # more digits than Python reads, or over nothing
        return None
    return -value if found[1] else value


def _alone(bare: str) -> str:
    """Normalised LaTeX without what may stand around a number."""
    if led := _LED.match(bare):
        bare = bare[led.end() :]
    bare = _WORDS_BEFORE.sub("", _SIGN.sub("-", bare))
    bare = _WORDS_AFTER.sub("", bare)
    return re.sub(r"^\{([^{}]*)\}$", r"\1", bare)


def _last(text: str) -> Said:
    for pattern, put in ((_THIN, ""), (_CURRENCY, ""), (_EXPONENT, ""), (_OVER, r"\1/\2")):
        text = pattern.sub(put, text)
    matches = list(_NUMBER.finditer(text))
    if not matches:
        return Said("", None)
    found = matches[-1]
    said = ("-" if found[1] else "") + found[2].replace(",", "")
    try:
        value = Fraction(said) / int(found[3] or 1)
    except (ValueError, ZeroDivisionError):
        return Said(said, None)
    return Said(said + (f"/{found[3]}" if found[3] else ""), value)
