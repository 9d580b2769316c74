"""Dataclasses of a record to plain JSON values and back, by their annotations."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


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
            raise ValueError(f"{place} is {value!r}, which it cannot be")
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
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{place} is {value!r}, which is no {kind.__name__}")
    return value


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
