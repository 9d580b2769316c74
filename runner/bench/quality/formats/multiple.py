"""A question with several answers to choose from, as its file gives it, and which one is right.

Files name the right answer by its label, its index or its text. Which of these one does is not told
from a row alone (is "2" of 1, 2, 3, 4 the index or the text?): it is what holds for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from runner.bench.quality.task import Choice
from runner.errors import BadDocument


@dataclass(frozen=True, slots=True)
class Row:
    """`labels` are those of the file, where it has any; `line` is where to look for what is wrong
    with it."""

    line: int
    id: str
    question: str
    answers: tuple[str, ...]
    right: str | int
    labels: tuple[str, ...] = ()


def _by_label(row: Row) -> int | None:
    labels = row.labels or tuple(ascii_uppercase[: len(row.answers)])
    wanted = str(row.right).strip().upper()
    return next((n for n, label in enumerate(labels) if label.strip().upper() == wanted), None)


def _by_index(row: Row) -> int | None:
    said = str(row.right).strip()
    index = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else -1
    return index if 0 <= index < len(row.answers) else None


def _by_text(row: Row) -> int | None:
    if isinstance(row.right, int):
        return None
    said = row.right.strip()
    return next((n for n, answer in enumerate(row.answers) if answer.strip() == said), None)


RULES: tuple[Callable[[Row], int | None], ...] = (_by_label, _by_index, _by_text)


def right_ones(path: Path, rows: Sequence[Row]) -> list[int]:
    """The index of each row's right answer. Raises BadDocument with the line where a row has fewer
    than two answers or an empty one, or none is the right one, and where it cannot be told whether
    indices or texts are meant."""
    for row in rows:
        if len(row.answers) < 2 or not all(answer.strip() for answer in row.answers):
            raise BadDocument(
                f"{path.name}, line {row.line}: there must be two answers or more, none of them "
                "empty"
            )
    readings = [[rule(row) for row in rows] for rule in RULES]
    label, index, text = readings
    if None not in index and None not in text and index != text and None in label:
        raise BadDocument(
            f"{path.name}: the right answers are both indices and texts of answers, and not of the "
            "same ones",
            remedy="Name the right answers by letters.",
        )
    best = min(readings, key=lambda reading: reading.count(None))
    found = []
    for row, number in zip(rows, best, strict=True):
        if number is None:
            raise BadDocument(
                f"{path.name}, line {row.line}: {str(row.right)[:40]!r} is none of the "
                f"{len(row.answers)} answers"
            )
        found.append(number)
    return found


LETTERS_FORM = "question, lettered answers, Answer: — and a letter"


def lettered(path: Path, rows: Sequence[Row]) -> tuple[Choice, ...]:
    """Asked as MMLU is: the answers are shown with letters, and the model says a letter. Raises
    BadDocument."""
    choices = []
    for row, right in zip(rows, right_ones(path, rows), strict=True):
        letters = tuple(ascii_uppercase[: len(row.answers)])
        shown = "".join(f"{a}. {b}\n" for a, b in zip(letters, row.answers, strict=True))
        context = f"{row.question.strip()}\n{shown}Answer:"
        choices.append(Choice(row.id, (context,), letters, right, separator=" "))
    return tuple(choices)


def spoken(path: Path, rows: Sequence[Row], form: str) -> tuple[Choice, ...]:
    """Asked without showing the answers: `form` has a place for the question, and the likelihood is
    that of an answer's own words after it. Raises BadDocument."""
    return tuple(
        Choice(row.id, (form.format(row.question.strip()),), row.answers, right, separator=" ")
        for row, right in zip(rows, right_ones(path, rows), strict=True)
    )
