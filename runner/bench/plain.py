"""Dataclasses of a record to plain JSON values and back, by their annotations."""

import dataclasses
import json
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

MOST = 10**300
"""Whole numbers that are surely a float too."""
LONGEST = 60
"""Letters of a wrong value that are repeated."""


def to_plain(value: Any) -> Any:
    """What `json.dumps` takes: dataclasses as objects, tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: to_plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    return value


def to_json(value: Any) -> str:
    """The same as JSON, without a space in it. Raises ValueError for what JSON or UTF-8 has no
    place for."""
    text = json.dumps(to_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text.encode()
    return text


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def from_plain(kind: type[T], value: Any) -> T:
    """The dataclass that `to_plain` made `value` of. What is not known is left out, and what is
    missing has its default. Raises ValueError with the place where it is none."""
    found: T = _read(kind, value, kind.__name__)
    return found


def _read(kind: Any, value: Any, place: str) -> Any:
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read_fields(kind, value, place)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _read(next(one for one in inner if one is not type(None)), value, place)
    if origin is Literal:
        if value not in inner:
            raise ValueError(f"{place} is {_told(value)}, which it cannot be")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{place} is not a list")
        if inner[-1] is Ellipsis:
            return tuple(_read(inner[0], one, f"{place}[{n}]") for n, one in enumerate(value))
        if len(value) != len(inner):
            raise ValueError(f"{place} has {len(value)} values, not {len(inner)}")
        return tuple(_read(k, one, place) for k, one in zip(inner, value, strict=True))
    if origin is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{place} is not an object")
        return {key: _read(inner[1], one, f"{place}.{key}") for key, one in value.items()}
    return _read_simple(kind, value, place)


def _read_simple(kind: Any, value: Any, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) <= MOST else math.inf
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{place} is {_told(value)}, which is no {kind.__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} is {value}, which is no finite number")
    if isinstance(value, str) and not is_text(value):
        raise ValueError(f"{place} is {_told(value)}, which is no text")
    return value


def _told(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def _read_fields(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is not an object")
    hints = get_type_hints(kind)
    missing = (dataclasses.MISSING, dataclasses.MISSING)
    for field in dataclasses.fields(kind):
        if field.name not in value and (field.default, field.default_factory) == missing:
            raise ValueError(f"{place} has no {field.name}")
    return kind(
        **{
            field.name: _read(hints[field.name], value[field.name], f"{place}.{field.name}")
            for field in dataclasses.fields(kind)
            if field.name in value
        }
    )
