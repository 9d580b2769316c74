"""Regular expressions as grammars of llama.cpp's: of a text, or of a string inside JSON."""

import re
from collections.abc import Iterable
from typing import Any

from runner.errors import ConfigurationError

# Python's own parser of regular expressions, so that what is accepted means what `re` means.
_parser = re._parser  # type: ignore[attr-defined]
_UNBOUNDED = int(_parser.MAXREPEAT)

MOST_REPETITIONS = 2000
"""From which on llama.cpp takes an upper limit for none."""

Ranges = list[tuple[int, int]]
"""Characters by their code points, from and to."""

LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)  # which UTF-8 has no place for
_CATEGORIES: dict[str, Ranges] = {
    "DIGIT": [(48, 57)],
    "WORD": [(48, 57), (65, 90), (95, 95), (97, 122)],
    "SPACE": [(9, 10), (13, 13), (32, 32)],
}
_ESCAPED: Ranges = [(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F)]
"""What cannot stand in a JSON string as it is."""


def literal(text: str) -> str:
    """The expression of a text, to the letter."""
    return f'"{"".join(map(_escaped, text))}"'


def pattern(text: str, *, in_json: bool = False, around: str = "") -> str:
    """The expression of what matches all of a regular expression, in which letters are ASCII. In
    JSON, what would have to be escaped is left out of classes. `around` is an expression of what
    may stand before and after, where the pattern is not anchored.

    Raises ConfigurationError where it is malformed or says what no grammar can.
    """
    try:
        parsed = _parser.parse(text)
    except (re.error, OverflowError) as error:
        raise ConfigurationError(f"the regular expression is malformed: {error}") from error
    if parsed.state.flags & ~re.UNICODE:
        raise _unsayable("flags")
    steps = list(parsed)
    before = after = around
    if steps and str(steps[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        steps, before = steps[1:], ""
    if steps and str(steps[-1][1]) in ("AT_END", "AT_END_STRING"):
        steps, after = steps[:-1], ""
    return " ".join(filter(None, (before, _Writer(in_json).sequence(steps), after)))


class _Writer:
    def __init__(self, in_json: bool) -> None:
        self._in_json = in_json

    def sequence(self, parsed: Iterable[tuple[Any, Any]]) -> str:
        return " ".join(self._one(str(kind), value) for kind, value in parsed) or '""'

    def _one(self, kind: str, value: Any) -> str:
        match kind:
            case "LITERAL":
                return self._character(chr(value))
            case "NOT_LITERAL":
                return self._class(_inverted([(value, value)]))
            case "ANY":
                return self._class(_inverted([(10, 10)]))
            case "IN":
                return self._class(_ranges(value))
            case "BRANCH":
                return "(" + " | ".join(map(self.sequence, value[1])) + ")"
            case "SUBPATTERN" if not (value[1] or value[2]):  # flags switched on or off inside
                return f"({self.sequence(value[-1])})"
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, parsed = value
                unbounded = int(most) == _UNBOUNDED
                if not unbounded and int(most) > MOST_REPETITIONS:
                    raise _unsayable(f"more than {MOST_REPETITIONS} repetitions")
                return f"({self.sequence(parsed)}){{{least},{'' if unbounded else int(most)}}}"
            case "AT":
                raise _unsayable("^, $ or \\b inside it")
        raise _unsayable(kind.lower().replace("_", " "))

    def _character(self, char: str) -> str:
        if not self._in_json:
            return literal(char)
        import json

        return literal(json.dumps(char, ensure_ascii=False)[1:-1])

    def _class(self, ranges: Ranges) -> str:
        if self._in_json:
            ranges = _inverted(_inverted(ranges) + _ESCAPED)
        if not ranges:
            raise _unsayable("a class of no characters, or of ones that JSON has to escape")
        return f"[{''.join(f'{_in_class(low)}-{_in_class(high)}' for low, high in ranges)}]"


def _ranges(items: list[tuple[Any, Any]]) -> Ranges:
    """The characters of a class."""
    found: Ranges = []
    negated = False
    for kind, value in items:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found.append((value, value))
            case "RANGE":
                found.append((value[0], value[1]))
            case _:
                name = str(value).removeprefix("CATEGORY_")
                if (plain := name.removeprefix("NOT_")) not in _CATEGORIES:
                    raise _unsayable(name.lower())
                category = _CATEGORIES[plain]
                found += category if plain == name else _inverted(category)
    return _inverted(found) if negated else found


def _inverted(ranges: Ranges) -> Ranges:
    """All other characters."""
    left: Ranges = []
    start = 0
    for low, high in sorted([*ranges, _SURROGATES]):
        if low > start:
            left.append((start, low - 1))
        start = max(start, high + 1)
    return [*left, (start, LAST)] if start <= LAST else left


def _escaped(char: str) -> str:
    """A character of a literal: by its number where it could mean something else."""
    return char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}"


def _in_class(code: int) -> str:
    char = chr(code)
    return char if char.isalnum() and char.isascii() else f"\\U{code:08x}"


def _unsayable(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the regular expression uses what a grammar cannot say ({what})",
        remedy="Use letters, classes, groups, alternatives and repetitions only.",
    )
