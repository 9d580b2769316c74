"""Grammars of llama.cpp (GBNF), which tell what may come next; and JSON Schemas as grammars."""

import json
import re
from typing import Any

from runner.errors import ConfigurationError
from runner.llama import library
from runner.llama.candidates import Candidates
from runner.llama.library import llama_cpp
from runner.llama.vocabulary import Vocabulary


def of_json_schema(schema: dict[str, Any]) -> str:
    """The grammar of the JSON texts that a schema describes.

    Raises ConfigurationError for a schema that cannot be one.
    """
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    try:
        return str(json_schema_to_gbnf(json.dumps(schema)))
    except Exception as error:  # whatever a bad schema sets off in there
        raise ConfigurationError(f"this JSON schema makes no grammar: {error}") from error


class Grammar:
    """The state of one text that has to follow a grammar, as far as it has come."""

    def __init__(self, vocabulary: Vocabulary, gbnf: str) -> None:
        """Raises ConfigurationError, with the place, where the grammar is malformed."""
        with library.stderr_of_c() as said:
            self._pointer = llama_cpp.llama_sampler_init_grammar(
                vocabulary.pointer, gbnf.encode(), b"root"
            )
            complaint = said()
        if not self._pointer:
            raise ConfigurationError(f"the grammar is malformed: {_reason(complaint)}")

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        one = Candidates.single(token)
        self.restrict(one)
        return one.possible

    def restrict(self, candidates: Candidates) -> None:
        """Take all probability from candidates that may not come next."""
        candidates.apply(self._pointer)

    def accept(self, token: int) -> None:
        llama_cpp.llama_sampler_accept(self._pointer, token)

    def close(self) -> None:
        if self._pointer:
            llama_cpp.llama_sampler_free(self._pointer)
            self._pointer = None


def _reason(complaint: str) -> str:
    """Of "parse: error parsing grammar: expecting ... at REST", what was expected and where."""
    found = re.search(r"(?:error parsing grammar|parse): ?(.+?)(?:\n|$)", complaint)
    return found[1][:200] if found else "it has no rule named root"
