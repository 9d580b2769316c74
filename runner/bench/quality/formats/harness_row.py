"""What the templates of a task of lm-evaluation-harness make of a row."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import BadDocument, ConfigurationError, TemplateError

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Put:
    contexts: tuple[str, ...]
    endings: tuple[str, ...]
    answer: int


class Writer:
    """The templates of a task. All methods take a row and its line in the data, and raise with the
    line ConfigurationError where a template fails or breaks its bounds, BadDocument where what it
    gives is of no use."""

    def __init__(self, path: Path, asked: Row) -> None:
        """Raises ConfigurationError for what should be a template and is none."""
        self._path = path
        self._asked = asked
        self._programs: dict[str, Any] = {}
        for key in ("description", "doc_to_text", "doc_to_target"):
            if not isinstance(asked.get(key, ""), str | int | list | None):
                raise ConfigurationError(f"{path.name}: {key} is no text")

    def before(self, line: int, row: Row) -> str:
        """What stands before the question and the examples that lead up to it."""
        description = self._asked.get("description")
        return self._rendered(str(description), line, row) if description else ""

    def text(self, line: int, row: Row) -> str:
        """The question."""
        return str(self._value("doc_to_text", line, row))

    def target(self, line: int, row: Row) -> str:
        """The right answer in words, the first of several."""
        return self.references(line, row)[0]

    def references(self, line: int, row: Row) -> tuple[str, ...]:
        """The right answers in words: several where there is a list of them."""
        found = self._value("doc_to_target", line, row)
        index = self._index("doc_to_target", found, row)
        if index is not None and self._asked.get("doc_to_choice") is not None:
            endings = self._endings(line, row)
            self._within(index, endings, line)
            found = endings[index]
        if isinstance(found, str) and not self._is_field("doc_to_target", row):
            literal = _literal(found) if found[:1] == "[" else None
            found = literal if isinstance(literal, list) else found
        listed = [str(one) for one in (found if isinstance(found, list) else [found])]
        if not listed or (len(listed) > 1 and any("\n" in one.strip() for one in listed)):
            raise BadDocument(
                f"{self._path.name}: doc_to_target gives no answer, or several of more than a "
                f"line, for the row of line {line}"
            )
        return tuple(listed)

    def choice(self, line: int, row: Row) -> Put:
        """The endings that are compared, and which is right.

        Where doc_to_text gives the index of the right one, the choices are the contexts, and
        doc_to_target the ending of all: as the harness does.
        """
        endings = self._endings(line, row)
        target = self._value("doc_to_target", line, row)
        text = self._value("doc_to_text", line, row)
        index = self._index("doc_to_text", text, row)
        if index is not None:
            self._within(index, endings, line)
            return Put(endings, (str(target),) * len(endings), index)
        answer = self._index("doc_to_target", target, row)
        if answer is None:
            answer = endings.index(str(target)) if str(target) in endings else -1
        self._within(answer, endings, line)
        return Put((str(text),), endings, answer)

    def _endings(self, line: int, row: Row) -> tuple[str, ...]:
        found = self._asked.get("doc_to_choice")
        if isinstance(found, str):
            found = row[found] if found in row else _literal(self._rendered(found, line, row))
        if isinstance(found, dict):
            found = list(found.values())
        if not isinstance(found, list) or len(found) < 2 or not all(map(str, found)):
            raise BadDocument(
                f"{self._path.name}: doc_to_choice gives no list of two texts or more for the row "
                f"of line {line}"
            )
        return tuple(map(str, found))

    def _is_field(self, key: str, row: Row) -> bool:
        source = self._asked.get(key)
        return isinstance(source, str) and bool(source) and source in row

    def _index(self, key: str, value: Any, row: Row) -> int | None:
        """The index of a choice, where it is one: a whole number, or digits that a template gave.
        A field's text is that of a choice."""
        is_text = isinstance(value, str) and self._is_field(key, row)
        return None if is_text else _whole(value)

    def _within(self, index: int, endings: tuple[str, ...], line: int) -> None:
        if not 0 <= index < len(endings):
            raise BadDocument(
                f"{self._path.name}: the right answer of line {line} of the data is none of its "
                f"{len(endings)} choices"
            )

    def _value(self, key: str, line: int, row: Row) -> Any:
        """A field of the row by its name, or what the template gives, as text."""
        source = self._asked.get(key, "")
        if not isinstance(source, str):
            return source
        return row[source] if self._is_field(key, row) else self._rendered(source, line, row)

    def _rendered(self, source: str, line: int, row: Row) -> str:
        from runner.prompt.sandbox.environment import Program

        try:
            if source not in self._programs:
                self._programs[source] = Program(source, as_written=True)
            return "".join(text for text, _ in self._programs[source].render(row))
        except TemplateError as error:
            said = str(error).replace("The model's chat template", "a template")
            raise ConfigurationError(
                f"{self._path.name}, line {line} of the data: {said}"
            ) from error


def _whole(value: Any) -> int | None:
    if isinstance(value, int):
        return int(value)
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4
    return int(value) if is_number else None


def _literal(text: str) -> Any:
    """A list as Jinja prints it. Only literals are read."""
    try:
        return ast.literal_eval(text) if len(text) < 100_000 else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
