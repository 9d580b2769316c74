"""HellaSwag as llama.cpp's program reads it: six lines a question, which are the context, the index
of the right ending and four endings."""

from pathlib import Path

from runner.bench.quality.task import Choice, Task
from runner.errors import ConfigurationError

LINES = 6
INDICES = ("0", "1", "2", "3")


def read(path: Path, text: str) -> Task | None:
    """None where the file is not of this form: text whose second line is such an index. Raises
    ConfigurationError with the line where one is malformed."""
    lines = text.rstrip("\r\n").split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    if len(lines) < LINES or lines[1] not in INDICES:
        return None
    choices = []
    for start in range(0, len(lines), LINES):
        context, index, *endings = [*lines[start : start + LINES], ""][:LINES]
        if len(endings) < len(INDICES) or index not in INDICES or not all(endings):
            raise ConfigurationError(
                f"{path}, line {start + 1}: six lines are a question, the second of them the index "
                "of the right ending, and none of the endings is empty"
            )
        number = str(start // LINES)
        choices.append(Choice(number, (context,), tuple(endings), int(index), separator=" "))
    return Task(path.stem, "choice", str(path), "", normaliser="per_token", choices=tuple(choices))
