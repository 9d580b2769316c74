"""Runner's own tasks: lines of JSON, the first of which says what the others are.

    {"runner_task": 1, "kind": "generated", "name": "sums", "licence": "MIT", "matcher": "numeric"}
    {"id": "1", "question": "What is 2 + 3?", "answer": "5"}

A generated task has questions (`question`, or `messages` and `tools` as OpenAI writes them), a task
of choices has a `context`, its `endings` and the index of the right one as its `answer`. The header
may hold the matcher, `sampling`, `max_tokens`, `at_once` and the `context` that all questions
under way share; a question its own `matcher`. What of it is a setting of Runner's takes the values
that this takes.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from runner.bench.quality.matching import matcher
from runner.bench.quality.task import Choice, Question, Task
from runner.errors import BadDocument, ConfigurationError, RunnerError
from runner.prompt import Message, Role, ToolCall
from runner.settings import BY_NAME

VERSION = 1
FACTS = ("sampling", "max_tokens", "at_once", "context", "about")
COUNTS = {"max_tokens": "max_tokens", "context": "ctx"}
"""What of a header is a setting of Runner's, and which."""
SAMPLING = {
    name: option
    for name, option in BY_NAME.items()
    if option.group in ("sampling", "more sampling") and option.type in (int, float)
    if name not in ("seed", "max_tokens")
}


def read(path: Path, text: str) -> Task | None:
    """The task; None of a file that does not begin as one. Raises BadDocument with the line."""
    lines = lines_of(path, text) if text.lstrip("\ufeff \n").startswith('{"runner_task"') else None
    if lines is None:
        return None
    _, header = next(lines)
    if header["runner_task"] != VERSION:
        raise BadDocument(
            f"{path.name} is a task of version {header['runner_task']}, not {VERSION}",
            remedy="Update Runner.",
        )
    kind, name = header.get("kind", "generated"), str(header.get("name", path.stem))
    facts = _facts(path, header)
    licence = str(header.get("licence", ""))
    if kind == "choice":
        choices = tuple(_read(path, number, _choice, line) for number, line in lines)
        _some(path, choices)
        normaliser = str(header.get("normaliser", ""))
        return Task(name, kind, "", "", licence, normaliser, choices=choices, facts=facts)
    if kind != "generated":
        raise BadDocument(f"{path.name} is a task of the kind {kind!r}, which there is not")
    default = header.get("matcher", "exact")
    questions = tuple(_read(path, number, _question, line, default) for number, line in lines)
    _some(path, questions)
    return Task(name, kind, "", "", licence, questions=questions, facts=facts)


def _facts(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    """What the header says of how to ask. Raises BadDocument where that cannot be."""
    facts = {key: header[key] for key in FACTS if key in header}
    sampling, at_once = facts.get("sampling", {}), facts.get("at_once", 1)
    try:
        if not isinstance(sampling, dict):
            raise ValueError("its sampling is no JSON object")
        if unknown := sampling.keys() - SAMPLING.keys():
            raise ValueError(f"of its sampling there is no {', '.join(sorted(unknown))}")
        if not isinstance(at_once, int) or isinstance(at_once, bool) or at_once < 1:
            raise ValueError(f"its at_once is {at_once!r}; it must be 1 or more")
        for name, value in sampling.items():
            SAMPLING[name].checked(value, f"its {name}")
        for key in COUNTS.keys() & facts.keys():
            BY_NAME[COUNTS[key]].checked(facts[key], f"its {key}")
    except (ValueError, ConfigurationError) as error:
        raise BadDocument(f"{path.name}, line 1: {error}") from error
    return facts


def _some(path: Path, asked: Sequence[object]) -> None:
    if not asked:
        raise BadDocument(f"{path.name} has no questions")


def lines_of(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines, with the number of their line. Raises BadDocument."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.strip():
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadDocument(f"{path.name}, line {number} is not JSON: {error}") from error
            if not isinstance(found, dict):
                raise BadDocument(f"{path.name}, line {number} is no JSON object")
            yield number, found


def _read(path: Path, number: int, make: Any, line: dict[str, Any], *more: Any) -> Any:
    try:
        return make(str(line.get("id", number)), line, *more)
    except ConfigurationError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RunnerError) as error:
        said = f"has no {error}" if isinstance(error, KeyError) else f"is no item: {error}"
        raise BadDocument(f"{path.name}, line {number} {said}") from error


def _choice(id: str, line: dict[str, Any]) -> Choice:
    endings = tuple(map(str, line["endings"]))
    answer = int(line["answer"])
    if not 0 <= answer < len(endings):
        raise ValueError(f"there is no ending {answer}")
    context = str(line["context"])
    return Choice(id, (context,) * len(endings), endings, answer, separator=" ")


def _question(id: str, line: dict[str, Any], default: str) -> Question:
    if "question" in line:
        messages: tuple[Message, ...] = (Message("user", str(line["question"])),)
    else:
        messages = tuple(map(_message, line["messages"]))
    if not messages:
        raise ValueError("it asks nothing")
    answer = line["answer"]
    expected = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    name = matcher(line.get("matcher", default)).name
    return Question(id, messages, expected, name, tuple(line.get("tools", ())))


def _message(turn: dict[str, Any]) -> Message:
    role = turn["role"]
    if role not in get_args(Role):
        raise ValueError(f"there is no role {role!r}")
    calls = []
    for call in turn.get("tool_calls", ()):
        function = call.get("function", call)
        arguments = function["arguments"]
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        calls.append(ToolCall(function["name"], arguments))
    return Message(role, turn.get("content") or "", tool_calls=tuple(calls))
