"""Lists and ranges of values, as they are typed: `512,4096`, `1-8`, `1-8+2`, `512-4096*2`."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.errors import ConfigurationError

RANGE = re.compile(r"(-?\d+)-(\d+)(?:([+*])(\d+))?")
LONGEST = 1000
"""Values of one list; more are a slip of the finger."""


def numbers(texts: Sequence[str] | None, flag: str) -> list[int]:
    """The whole numbers of a list, each once, in their order. Raises ConfigurationError, which
    names the `flag`."""
    return list(dict.fromkeys(number for text in _parts(texts) for number in _range(text, flag)))


def words(texts: Sequence[str] | None, flag: str, known: Mapping[str, Any]) -> list[Any]:
    """What each word of a list stands for among the `known` ones. Raises ConfigurationError."""
    found = []
    for text in _parts(texts):
        if text.lower() not in known:
            raise ConfigurationError(
                f"{flag} does not know {text!r}", remedy=f"It knows {', '.join(known)}."
            )
        found.append(known[text.lower()])
    return list(dict.fromkeys(found))


def pairs(texts: Sequence[str] | None, flag: str) -> list[tuple[int, int]]:
    """Such as `512,128`: each text one pair. Raises ConfigurationError."""
    found = []
    for text in texts or ():
        match = re.fullmatch(r"(\d+)[,/](\d+)", text.strip())
        if match is None:
            raise ConfigurationError(
                f"{flag} {text} is no pair of prompt and reply", remedy=f"{flag} 512,128 is one."
            )
        found.append((int(match[1]), int(match[2])))
    return found


def combinations(axes: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values of the axes that have some, the first axis slowest."""
    named = {name: values for name, values in axes.items() if values}
    for values in itertools.product(*named.values()):
        yield dict(zip(named, values, strict=True))


def _parts(texts: Sequence[str] | None) -> Iterator[str]:
    for text in texts or ():
        yield from filter(None, (part.strip() for part in text.split(",")))


def _range(text: str, flag: str) -> Iterator[int]:
    if re.fullmatch(r"-?\d+", text):
        yield int(text)
        return
    match = RANGE.fullmatch(text)
    if match is None:
        raise _no_numbers(text, flag)
    value, last, sign, step = int(match[1]), int(match[2]), match[3] or "+", int(match[4] or 1)
    if value > last or step < (2 if sign == "*" else 1) or (sign == "*" and value < 1):
        raise _no_numbers(text, flag)
    for count in itertools.count(1):
        if value > last:
            return
        if count > LONGEST:
            raise _no_numbers(text, flag)
        yield value
        value = value * step if sign == "*" else value + step


def _no_numbers(text: str, flag: str) -> ConfigurationError:
    return ConfigurationError(
        f"{flag} {text} is no list of numbers",
        remedy="Lists and ranges look like 512,4096 or 1-8 or 1-8+2 or 512-4096*2.",
    )
