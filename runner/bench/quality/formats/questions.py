"""Questions with answers as GSM8K, MATH-500 and AIME are published: lines of JSON, or a JSON list.

The keys tell which it is. Where nothing else is asked for, a model is told how to give its answer:
as the makers of reasoning models recommend, in `\\boxed{}` after thinking step by step.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner.bench.quality.formats import plain_text
from runner.bench.quality.formats.own import lines_of
from runner.bench.quality.numbers import is_number
from runner.bench.quality.task import Question, Task
from runner.errors import BadDocument
from runner.prompt import Message

BOX = "Please reason step by step, and put your final answer within \\boxed{}."
"""As the makers of DeepSeek-R1 and Qwen3 ask for mathematics, in their model cards."""

ASKED = ("question", "problem", "Problem", "Question")
ANSWERED = ("answer", "Answer", "final_answer", "expected_answer")
NAMED = ("unique_id", "id", "ID", "idx", "url")


def read(path: Path, text: str) -> Task | None:
    """The task; None of a file whose lines are not questions with an answer each. Raises
    BadDocument for a line that is none among others that are."""
    rows = rows_of(path, text)
    if not rows or _asked(rows[0][1]) is None:
        return None
    questions, names = [], set()
    for number, row in rows:
        asked = _asked(row)
        if asked is None:
            raise BadDocument(f"{path.name}, line {number} has no question with its answer")
        question, answer = asked
        matcher, expected = _matcher(answer)
        name = next((str(row[key]) for key in NAMED if key in row), str(number))
        name = name if name not in names else f"{name} ({number})"
        names.add(name)
        message = Message("user", f"{question}\n\n{BOX}")
        questions.append(Question(name, (message,), expected, matcher))
    return Task(path.stem, "generated", "", "", questions=tuple(questions), facts={"asked": BOX})


def rows_of(path: Path, text: str) -> list[tuple[int, dict[str, Any]]] | None:
    """The objects of the file with their numbers; None where its beginning is no JSON object."""
    start = text.lstrip("\ufeff \r\n\t")
    if start.startswith("["):
        try:
            found = json.loads(start)
        except (ValueError, RecursionError) as error:
            if path.suffix.lower() in plain_text.SUFFIXES:
                return None
            raise BadDocument(f"{path.name} is not JSON: {error}") from error
        odd = next((n for n, row in enumerate(found, 1) if not isinstance(row, dict)), None)
        if odd is not None and odd > 1:
            raise BadDocument(f"{path.name}, element {odd} of the list is no JSON object")
        return [] if odd else list(enumerate(found, 1))
    if not start.startswith("{"):
        return None
    try:
        json.loads(start.partition("\n")[0])
    except (ValueError, RecursionError):
        return None
    return list(lines_of(path, text))


def _asked(row: Mapping[str, Any]) -> tuple[str, str] | None:
    """The question and the answer of a row, None where it has not one of each, or has choices."""
    if any(key in row for key in ("choices", "endings", "options", "option1", "ctx", "sol1")):
        return None
    question = next((row[key] for key in ASKED if isinstance(row.get(key), str)), None)
    answer = next(
        (row[key] for key in ANSWERED if isinstance(row.get(key), str | int | float)), None
    )
    if question is None or answer is None or isinstance(answer, bool):
        return None
    is_decimal = isinstance(answer, float)
    return question, f"{Decimal(repr(answer)):f}" if is_decimal else str(answer)


def _matcher(answer: str) -> tuple[str, str]:
    """How answers such as this one are compared, and what of it counts: GSM8K's stands after
    `####`, and a plain number is compared as one."""
    _, mark, final = answer.rpartition("####")
    if mark:
        return "numeric", final.strip()
    if is_number(answer):
        return "numeric", answer.strip()
    return "boxed", answer.strip()
