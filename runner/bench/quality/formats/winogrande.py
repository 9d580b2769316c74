"""WinoGrande as llama.cpp's program reads it: lines of number, sentence with a blank, two words for
it and which is right, 1 or 2.

The words differ, so what is compared is the rest of the sentence: how likely it is after either.
"""

from pathlib import Path

from runner.bench.quality.formats.comma_separated import rows_of
from runner.bench.quality.task import Choice, Task
from runner.errors import BadDocument

BLANK = "_"
RIGHT = ("1", "2")
FIELDS = 5


def read(path: Path, text: str) -> Task | None:
    """None where the first row, or the second after one of names, is not of this form. Raises
    BadDocument with the line where a later one is not."""
    if path.suffix.lower() not in (".csv", ".txt") or not _begins(text):
        return None
    rows = rows_of(path, text)
    if not _is_one(rows[0][1]):
        del rows[0]
    choices = []
    for line, row in rows:
        if not _is_one(row):
            raise BadDocument(
                f"{path.name}, line {line}: there should be a number, a sentence with one {BLANK}, "
                "two words for it, and 1 or 2"
            )
        choices.append(choice(path, line, row[0], row[1], (row[2], row[3]), row[4]))
    return Task(path.stem, "choice", "", "", normaliser="sum", choices=tuple(choices))


def choice(
    path: Path, line: int, id: str, sentence: str, words: tuple[str, str], right: str
) -> Choice:
    """The rest of the sentence after each word. Raises BadDocument where there is nothing after the
    blank, or `right` is neither 1 nor 2."""
    before, blank, after = sentence.rstrip().partition(BLANK)
    right = right.strip()
    if not blank or not after or right not in RIGHT:
        raise BadDocument(
            f"{path.name}, line {line}: the sentence has no {BLANK} with something after it, or "
            "the right word is neither 1 nor 2"
        )
    contexts = tuple(before + word for word in words)
    return Choice(id, contexts, (after, after), RIGHT.index(right))


def _begins(text: str) -> bool:
    try:
        first = rows_of(Path(), "\n".join(text.splitlines()[:2]))
    except BadDocument:
        return False
    return any(_is_one(row) for _, row in first)


def _is_one(row: list[str]) -> bool:
    return (
        len(row) == FIELDS
        and row[1].count(BLANK) == 1
        and row[4].strip() in RIGHT
        and all(word.strip() for word in row[2:4])
    )
