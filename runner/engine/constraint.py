"""What an answer is held to: a grammar, a JSON Schema, a list of choices or a regular expression.

All become a grammar of llama.cpp's (GBNF). For a model that reasons it begins with the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from runner.engine.pattern import literal, pattern
from runner.engine.schema import grammar_of
from runner.errors import ConfigurationError
from runner.llama import grammar


@dataclass(frozen=True, slots=True)
class Constraint:
    """Raises ConfigurationError, with the place, where the grammar is malformed."""

    gbnf: str
    """A grammar whose start is `root`."""

    def __post_init__(self) -> None:
        grammar.check(self.gbnf)

    @classmethod
    def json_schema(cls, schema: dict[str, Any] | bool) -> Self:
        """Raises ConfigurationError for what is no schema, or wants what no grammar can."""
        return cls(grammar_of(schema))

    @classmethod
    def choices(cls, texts: Sequence[str]) -> Self:
        """One of `texts`, to the letter. Raises ConfigurationError."""
        if not texts or not all(texts):
            raise ConfigurationError("a list of choices needs at least one, and none empty")
        return cls("root ::= " + " | ".join(map(literal, texts)))

    @classmethod
    def regex(cls, text: str) -> Self:
        """What matches all of a pattern, in which letters are ASCII. Raises ConfigurationError."""
        return cls("root ::= " + pattern(text))
