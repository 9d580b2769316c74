"""The tables `[model.quantizations.NAME]` of a catalogue, edited line by line: comments, order and
all else stay as they were written."""

import json
import re
from typing import Any

from runner.errors import ConfigurationError

TABLE = re.compile(r"\[model\.quantizations\.(?:\"([^\"]+)\"|([\w-]+))\]\s*(?:#.*)?")
KEY = re.compile(r"\s*([\w-]+)\s*=")
ORDER = ("repository", "file", "sha256", "revision", "bytes", "bytes_are", "note")


def edited(text: str, model: str, wanted: dict[str, dict[str, Any]]) -> str:
    """A catalogue's text with these keys in the tables of a model's quantizations; new tables stand
    after the last of them. Raises ConfigurationError where there are no such tables."""
    lines = text.split("\n")
    begin, end = _span(lines, model)
    tables = {}  # where each quantization's table begins and ends
    for number in range(begin, end):
        if named := TABLE.fullmatch(lines[number]):
            tables[named[1] or named[2]] = number, _end_of_table(lines, number, end)
    if not tables:
        raise _laid_out_otherwise()
    # From the last line upwards, so that line numbers above stay true.
    last = max(stop for _, stop in tables.values())
    fresh = [name for name in wanted if name not in tables]
    added = [line for name in fresh for line in ("", *_table(name, wanted[name]))]
    lines[last:last] = added
    for name, (start, stop) in sorted(tables.items(), key=lambda item: -item[1][0]):
        if name in wanted:
            lines[start + 1 : stop] = _keys(lines[start + 1 : stop], wanted[name])
    return "\n".join(lines)


def _span(lines: list[str], model: str) -> tuple[int, int]:
    """The lines of a model's `[[model]]` table and its sub-tables."""
    starts = [number for number, line in enumerate(lines) if line.strip() == "[[model]]"]
    for start in starts:
        outside = (
            number
            for number in range(start + 1, len(lines))
            if lines[number].startswith("[") and not lines[number].startswith("[model.")
        )
        end = next(outside, len(lines))
        if any(
            re.fullmatch(rf'name\s*=\s*"{re.escape(model)}"\s*(?:#.*)?', line)
            for line in lines[start:end]
        ):
            return start, end
    raise _laid_out_otherwise()


def _end_of_table(lines: list[str], start: int, end: int) -> int:
    """The line after a table's last key."""
    stop = start + 1
    for number in range(start + 1, end):
        if lines[number].startswith("["):
            break
        if KEY.match(lines[number]):
            stop = number + 1
    return stop


def _keys(lines: list[str], wanted: dict[str, Any]) -> list[str]:
    """A table's lines with these keys: those that are there replaced where they differ, the others
    put where they belong."""
    lines = list(lines)
    for key in ORDER:
        if key not in wanted:
            continue
        line = _line(key, wanted[key])
        places = {found[1]: number for number, old in enumerate(lines) if (found := KEY.match(old))}
        if key in places:
            comment = re.search(r"\s+#[^\"]*$", lines[places[key]])
            lines[places[key]] = line + (comment[0] if comment else "")
        else:
            before = [places[other] for other in ORDER[: ORDER.index(key)] if other in places]
            lines.insert(max(before, default=-1) + 1, line)
    return lines


def _table(name: str, facts: dict[str, Any]) -> list[str]:
    return [
        f"[model.quantizations.{name}]",
        *(_line(key, facts[key]) for key in ORDER if key in facts),
    ]


def _line(key: str, value: Any) -> str:
    # A JSON string of printable text is a TOML string too.
    text = f"{value:_}" if isinstance(value, int) else json.dumps(value, ensure_ascii=False)
    return f"{key} = {text}"


def require_same_models(before: str, after: str) -> None:
    """Raise ConfigurationError if anything but quantizations changed."""
    import tomllib

    old, new = tomllib.loads(before), tomllib.loads(after)
    for document in (old, new):
        for model in document["model"]:
            model.pop("quantizations", None)
    if old != new:
        raise _laid_out_otherwise()


def _laid_out_otherwise() -> ConfigurationError:
    return ConfigurationError(
        "the catalogue is not laid out as models/catalog.toml is, so it cannot be edited",
        remedy="Give every quantization a table of its own: [model.quantizations.NAME].",
    )
