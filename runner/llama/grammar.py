"""Grammars of llama.cpp (GBNF), which tell what may come next."""

import re
from typing import Any

from runner.errors import ConfigurationError
from runner.llama import library
from runner.llama.candidates import Candidates
from runner.llama.library import llama_cpp
from runner.llama.vocabulary import Vocabulary


def check(gbnf: str, vocabulary: Vocabulary | None = None) -> None:
    """Raises ConfigurationError, with the place, where a grammar is malformed. Names of tokens
    (`<think>`) are taken as they stand where there is no vocabulary."""
    # What C takes for no grammar at all, or for its end.
    if not gbnf.strip():
        raise ConfigurationError("the grammar is empty")
    if (at := gbnf.find("\0")) >= 0:
        raise ConfigurationError(f"the grammar has a NUL character {_place(gbnf, at)}")
    library.forget_log()
    with library.stderr_of_c() as said:
        pointer = _parsed(gbnf, vocabulary)
        complaint = said()
    if pointer:
        llama_cpp.llama_sampler_free(pointer)
    elif vocabulary is not None or "no vocab to parse token" not in complaint:
        raise ConfigurationError(f"the grammar is malformed: {_reason(complaint, gbnf)}")


def _parsed(gbnf: str, vocabulary: Vocabulary | None) -> Any:
    pointer = None if vocabulary is None else vocabulary.pointer
    return llama_cpp.llama_sampler_init_grammar(pointer, gbnf.encode("utf-8", "replace"), b"root")


class Grammar:
    """The state of one text that has to follow a grammar, as far as it has come."""

    def __init__(self, vocabulary: Vocabulary, gbnf: str) -> None:
        """Of a grammar that passed `check`."""
        self._pointer = _parsed(gbnf, vocabulary)

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        return len(self.allowed(Candidates.single(token))) > 0

    def allowed(self, candidates: Candidates) -> Candidates:
        """Those that may come next."""
        candidates.apply(self._pointer)
        return candidates.possible()

    def accept(self, token: int) -> None:
        """`token` comes next. It must be allowed: llama.cpp ends the process otherwise."""
        llama_cpp.llama_sampler_accept(self._pointer, token)

    def close(self) -> None:
        if self._pointer:
            llama_cpp.llama_sampler_free(self._pointer)
            self._pointer = None


def _reason(complaint: str, gbnf: str) -> str:
    """What llama.cpp has against a grammar, with the place where it can be told.

    It prints "parse: error parsing grammar: WHAT at REST", then the whole grammar again; what it
    finds later goes to its log.
    """
    _, found, said = complaint.partition("error parsing grammar: ")
    if not found:
        logged = library.last_error()
        if "left recursion" in logged:
            return "a rule begins with itself (left recursion)"
        return "it has no rule named root"
    said = said.rpartition(f"\n\n{gbnf}\n")[0] or said
    what, at, rest = said.partition(" at ")
    if at and gbnf.endswith(rest):
        return f"{what} {_place(gbnf, len(gbnf) - len(rest))}"
    if what.startswith("Undefined rule"):
        return _undefined(gbnf)
    if what == "unexpected end of input":
        return f"something is not closed {_place(gbnf, len(gbnf))}"
    if what.startswith("sto"):  # stoul and stoull, which read its numbers
        return "a number is too large"
    name = re.fullmatch(r"invalid token '(.+)'", what, re.DOTALL)
    if name and (at_name := gbnf.find(name[1])) >= 0:
        return f"{name[1]} is not one token of this model {_place(gbnf, at_name)}"
    return what


def _undefined(gbnf: str) -> str:
    """The first rule that is used and not defined. llama.cpp names it only sometimes."""
    # Literals, classes, comments and tokens hide what looks like a name in them.
    hidden = r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|#[^\n]*|<[^>]*>'
    bare = re.sub(hidden, lambda found: " " * len(found[0]), gbnf)
    names = [*re.finditer(r"[a-zA-Z0-9-]+(?![^{}]*\})", bare)]
    defined = {name[0] for name in names if re.match(r"\s*::=", bare[name.end() :])}
    unknown = next((name for name in names if name[0] not in defined), None)
    if unknown is None:
        return "a rule is used and not defined"
    return f"there is no rule {unknown[0]!r}, used {_place(gbnf, unknown.start())}"


def _place(text: str, offset: int) -> str:
    """Where in a text an offset is, as an editor counts, and what stands there."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    there = text[offset : offset + 30].splitlines()
    what = f" ({there[0].strip()})" if there and there[0].strip() else ""
    return f"in line {line}, column {column}{what}"
