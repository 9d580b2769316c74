"""TOML tables read strictly into dataclasses: keys are fields, and values have their types.

A field may be a string, a number, a flag, a `Literal`, a list of strings (`tuple[str, ...]`), a
table of values (`dict[str, float]`), a dataclass (a table), or named dataclasses
(`tuple[Row, ...]`: a table of tables, whose keys become the rows' `name`). Strings are not empty
and numbers not negative; a dataclass adds rules of its own by raising ValueError when it is made.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
PLAIN = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def build(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """The dataclass that a table describes.

    Raises ValueError, with a message that begins with `where`, for an unknown key, a missing one
    or a wrong value.
    """
    # What is cached is asked to be hashable, which a class is; mypy doubts it of a generic one.
    hints, needed = _fields(kind)  # type: ignore[arg-type]
    values = {}
    for key, value in table.items():
        require(key in hints, f"{where}: unknown key {key!r}")
        values[key] = value_of(value, hints[key], f"{where}: {key}")
    for key in needed:
        require(key in table, f"{where}: key {key!r} is missing")
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def value_of(value: Any, hint: Any, where: str) -> Any:
    """A TOML value as the type `hint`; raises ValueError beginning with `where`."""
    if hint in PLAIN:
        if hint is float and type(value) is int:
            value = float(value)
        require(type(value) is hint, f"{where} is not {PLAIN[hint]}")
        require(hint is not str or value.strip(), f"{where} is empty")
        require(hint is str or value >= 0, f"{where} is negative")
        return value
    if is_dataclass(hint):
        require(isinstance(value, dict), f"{where} is not a table")
        return build(hint, value, where)  # type: ignore[arg-type]
    outer, inner = get_origin(hint), get_args(hint)
    if outer is Literal:
        require(value in inner, f"{where} is {value!r}, not one of {', '.join(inner)}")
        return value
    if outer is dict:
        require(isinstance(value, dict), f"{where} is not a table")
        return {key: value_of(value[key], inner[1], f"{where}: {key}") for key in value}
    if is_dataclass(inner[0]):
        require(isinstance(value, dict), f"{where} is not a table of tables")
        return tuple(_named(name, value[name], inner[0], f"{where}: {name}") for name in value)
    require(isinstance(value, list), f"{where} is not a list")
    return tuple(value_of(item, inner[0], where) for item in value)


def require(condition: object, message: str) -> None:
    """Raise ValueError unless the condition holds."""
    if not condition:
        raise ValueError(message)


def _named(name: str, table: Any, kind: Any, where: str) -> Any:
    require(isinstance(table, dict), f"{where} is not a table")
    require("name" not in table, f"{where}: unknown key 'name'")
    return build(kind, {"name": name, **table}, where)


@cache
def _fields(kind: type) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The types of a dataclass's fields, without their `None`, and the fields without a default."""
    hints = get_type_hints(kind)
    for name, hint in hints.items():
        options = get_args(hint)
        if NoneType in options:
            hints[name] = next(option for option in options if option is not NoneType)
    needed = (known.name for known in fields(kind) if known.default is MISSING)
    return hints, tuple(needed)
