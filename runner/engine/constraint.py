"""What an answer is held to: a grammar, a JSON Schema, a list of choices or a regular expression.

All become a grammar of llama.cpp's (GBNF). For a model that reasons it begins with the answer.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from runner.errors import ConfigurationError
from runner.llama import grammar

# Python's own parser of regular expressions, so that what is accepted means what `re` means.
_parser = re._parser  # type: ignore[attr-defined]
_MAXIMUM = int(_parser.MAXREPEAT)
_CLASSES = {
    "CATEGORY_DIGIT": "0-9",
    "CATEGORY_WORD": "a-zA-Z0-9_",
    "CATEGORY_SPACE": " \\t\\n\\r",
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """Raises ConfigurationError, with the place, where the grammar is malformed."""

    gbnf: str
    """A grammar whose start is `root`."""

    def __post_init__(self) -> None:
        grammar.check(self.gbnf)

    @classmethod
    def json_schema(cls, schema: dict[str, Any]) -> Self:
        """Raises ConfigurationError."""
        return cls(grammar.of_json_schema(schema))

    @classmethod
    def choices(cls, texts: Sequence[str]) -> Self:
        """One of `texts`, to the letter. Raises ConfigurationError."""
        if not texts or not all(texts):
            raise ConfigurationError("a list of choices needs at least one, and none empty")
        return cls("root ::= " + " | ".join(map(_quoted, texts)))

    @classmethod
    def regex(cls, pattern: str) -> Self:
        """What matches all of `pattern`, in which letters are ASCII.

        Raises ConfigurationError where it is malformed or says what no grammar can.
        """
        try:
            parsed = _parser.parse(pattern)
        except (re.error, OverflowError) as error:
            raise ConfigurationError(f"the regular expression is malformed: {error}") from error
        if parsed.state.flags & ~re.UNICODE:
            raise _unsayable("flags")
        return cls("root ::= " + _sequence(_unanchored(list(parsed))))


def _unsayable(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the regular expression uses what a grammar cannot say ({what})",
        remedy="Use letters, classes, groups, alternatives and repetitions only.",
    )


def _unanchored(parsed: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Without `^` in front and `$` at the end: the whole answer has to match anyway."""
    if parsed and str(parsed[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        parsed = parsed[1:]
    if parsed and str(parsed[-1][1]) in ("AT_END", "AT_END_STRING"):
        parsed = parsed[:-1]
    return parsed


def _quoted(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    """A character of a literal: by its number where it could mean something else."""
    return char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}"


def _sequence(parsed: Iterable[tuple[Any, Any]]) -> str:
    return " ".join(filter(None, (_one(str(kind), value) for kind, value in parsed))) or '""'


def _one(kind: str, value: Any) -> str:
    """One construct of a regular expression as GBNF."""
    match kind:
        case "LITERAL":
            return _quoted(chr(value))
        case "NOT_LITERAL":
            return f"[^{_in_class(value)}]"
        case "ANY":
            return "[^\\n]"
        case "IN":
            return _class(value)
        case "BRANCH":
            return "(" + " | ".join(_sequence(branch) for branch in value[1]) + ")"
        case "SUBPATTERN" if not (value[1] or value[2]):  # flags switched on or off inside
            return f"({_sequence(value[-1])})"
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, parsed = value
            upper = "" if int(most) == _MAXIMUM else str(int(most))
            return f"({_sequence(parsed)}){{{least},{upper}}}"
        case "AT":
            raise _unsayable("^, $ or \\b inside it")
    raise _unsayable(kind.lower().replace("_", " "))


def _class(items: Iterable[tuple[Any, Any]]) -> str:
    negated, inside = "", ""
    for kind, value in items:
        match str(kind):
            case "NEGATE":
                negated = "^"
            case "LITERAL":
                inside += _in_class(value)
            case "RANGE":
                inside += f"{_in_class(value[0])}-{_in_class(value[1])}"
            case _ if str(value) in _CLASSES:
                inside += _CLASSES[str(value)]
            case _ if len(list(items)) == 1 and str(value).replace("NOT_", "") in _CLASSES:
                negated, inside = "^", _CLASSES[str(value).replace("NOT_", "")]
            case _:
                raise ConfigurationError(
                    f"the regular expression uses a class that a grammar cannot say ({value})"
                )
    return f"[{negated}{inside}]"


def _in_class(code: int) -> str:
    """A character inside a class: by its number where it could mean something else."""
    char = chr(code)
    return char if char.isalnum() and char.isascii() else f"\\U{code:08x}"
