"""Reads values out of data that somebody else wrote: each is of the kind that is wanted, or a
ValueError says what it is that is not."""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def loads(text: str) -> Any:
    """The value of a JSON text. Halves of characters, which no database takes, become `?`.

    Raises ValueError, also where it nests too deep.
    """
    try:
        value = json.loads(text)
        if SURROGATE.search(text):
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
    except RecursionError as error:
        raise ValueError("it nests too deep") from error
    return value


def text_of(table: dict[str, Any], key: str) -> str:
    """The text under a key; empty for none."""
    value = table.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is not text")
    return value


def list_of(table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of objects under a key; empty for none."""
    value = table.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError(f"{key!r} is not a list of objects")
    return value


def table_of(table: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under a key; empty for none."""
    value = table.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{key!r} is not an object")
    return value


def time_of(value: object) -> datetime | None:
    """A point in time, given in seconds since 1970 or as ISO 8601 says it (UTC where it names no
    zone); None for none, or for one that there never was."""
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return None


def arguments_of(value: object) -> dict[str, object]:
    """A tool call's arguments: an object, or the text of one. Other text becomes its `input`."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = loads(value) if value.strip() else {}
    if isinstance(value, dict):
        return value
    return {} if value is None else {"input": value}
