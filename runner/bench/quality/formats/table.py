"""Tables of questions: CSV with a row of names, or as MMLU came first, without one: question, four
answers and the letter of the right one."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase

from runner.bench.quality.formats.comma_separated import rows_of
from runner.bench.quality.formats.multiple import LETTERS_FORM, Row, lettered
from runner.bench.quality.task import Task
from runner.errors import BadDocument

NAMED = ("id", "question_id", "index", "number")
QUESTIONS = ("question", "prompt", "query", "input")
ANSWERS = ("choices", "options", "answers", "endings")
RIGHT = ("answer", "label", "target", "correct", "answerkey", "answer_key", "correct_answer")
ONE = re.compile(r"(?:(?:choice|option|answer|ending)[ _]?)?([a-z]|\d{1,2})")
BARE = 6


def read(path: Path, text: str) -> Task | None:
    """None where the name does not end with .csv or the first row is of neither form. Raises
    BadDocument with the line where a later one is not."""
    if path.suffix.lower() != ".csv":
        return None
    rows = rows_of(path, text)
    if not rows:
        return None
    found = _named(path, rows) or _bare(path, rows)
    if not found:
        return None
    choices = lettered(path, found)
    facts = {"asked": LETTERS_FORM}
    return Task(path.stem, "choice", "", "", normaliser="sum", choices=choices, facts=facts)


def _named(path: Path, rows: Sequence[tuple[int, list[str]]]) -> list[Row]:
    names = [name.strip().lower() for name in rows[0][1]]
    question, right = _column(names, QUESTIONS), _column(names, RIGHT)
    together, id = _column(names, ANSWERS), _column(names, NAMED)
    single = {n: match[1] for n, name in enumerate(names) if (match := ONE.fullmatch(name))}
    if question is None or right is None or (together is None and len(single) < 2):
        return []
    found = []
    for number, (line, row) in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise BadDocument(f"{path.name}, line {line} has {len(row)} of {len(names)} fields")
        labels: tuple[str, ...] = ()
        if together is not None:
            answers = _list(path, line, row[together])
        else:  # a question may have fewer answers than others: the last fields are empty
            filled = [n for n in single if row[n].strip()]
            answers = tuple(row[n] for n in filled)
            labels = tuple(single[n] for n in filled)
        name = row[id] if id is not None else str(number)
        found.append(Row(line, name, row[question], answers, row[right], labels))
    if not found:
        raise BadDocument(f"{path.name} has names of fields, and no question")
    return found


def _bare(path: Path, rows: Sequence[tuple[int, list[str]]]) -> list[Row]:
    letters = tuple(ascii_uppercase[: BARE - 2])
    if len(rows[0][1]) != BARE or rows[0][1][-1].strip() not in letters:
        return []
    found = []
    for number, (line, row) in enumerate(rows, 1):
        if len(row) != BARE:
            raise BadDocument(f"{path.name}, line {line} has {len(row)} of {BARE} fields")
        found.append(Row(line, str(number), row[0], tuple(row[1:-1]), row[-1], letters))
    return found


def _column(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _list(path: Path, line: int, value: str) -> tuple[str, ...]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str | int | float) for one in found):
        raise BadDocument(f"{path.name}, line {line}: the answers are no JSON list")
    return tuple(map(str, found))
