"""A Python function as a model is told of it: from its signature a JSON schema, from its docstring
what it does and what its arguments mean."""

import inspect
import json
import re
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, Union

from runner.errors import ConfigurationError

_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    list: {"type": "array"},
    dict: {"type": "object"},
    Any: {},
}
_SECTION = re.compile(r"^ *(Args|Arguments|Parameters|Returns?|Raises|Yields|Examples?):? *$", re.M)
_SPHINX = re.compile(r"^ *:(?:param|returns?|raises|rtype|type)\b", re.M)
_ARGUMENT = re.compile(r"^(\w+)(?: *\([^)]*\))? *: *(.*)$")
_SPHINX_ARGUMENT = re.compile(
    r"^ *:param (?:[\w\[\], |]+ )?(\w+): *(.*(?:\n(?! *:)(?! *$).*)*)", re.M
)


def described(function: Callable[..., Any], where: str) -> tuple[str, dict[str, Any]]:
    """What the function does, and the JSON schema of its arguments.

    Raises ConfigurationError where an argument cannot be written as JSON, or not by its name;
    `where` names the function in it.
    """
    text = inspect.getdoc(function) or ""
    meanings = _meanings(text)
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation may be any expression
        raise ConfigurationError(f"The types of {where} cannot be read: {error}") from error
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ConfigurationError(
                f"{where} takes {parameter}, which a model cannot give by name.",
                remedy="Give a tool ordinary arguments, each with its type.",
            )
        schema = _schema(hints.get(name, Any), f"The argument {name} of {where}")
        if name in meanings:
            schema = {**schema, "description": meanings[name]}
        if parameter.default is parameter.empty:
            required.append(name)
        elif parameter.default is not None and _is_json(parameter.default):
            schema = {**schema, "default": parameter.default}
        properties[name] = schema
    return _purpose(text), {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _schema(hint: Any, what: str) -> dict[str, Any]:
    if hint in (Any, None) or (isinstance(hint, type) and hint in _SIMPLE):
        return dict(_SIMPLE[hint])
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        words = [extra for extra in inside[1:] if isinstance(extra, str)]
        return _schema(inside[0], what) | ({"description": words[0]} if words else {})
    if origin is Literal and all(_is_json(one) for one in inside):
        kinds = {type(one) for one in inside}
        return {**(_SIMPLE[kinds.pop()] if len(kinds) == 1 else {}), "enum": list(inside)}
    if origin in (Union, types.UnionType):
        options = [_schema(one, what) for one in inside if one is not type(None)]
        # Templates understand `nullable` better than a choice between a type and null.
        nullable = {"nullable": True} if type(None) in inside else {}
        return {**(options[0] if len(options) == 1 else {"anyOf": options}), **nullable}
    if origin is list:
        return {"type": "array", "items": _schema(inside[0], what)}
    if origin is dict and inside[0] is str:
        return {"type": "object", "additionalProperties": _schema(inside[1], what)}
    raise ConfigurationError(
        f"{what} is of the type {getattr(hint, '__name__', hint)}, which a model cannot write.",
        remedy="Use str, int, float, bool, list, dict, Literal, and unions of them.",
    )


def _purpose(text: str) -> str:
    """The docstring up to what it says about arguments and results."""
    ends = [match.start() for match in (_SECTION.search(text), _SPHINX.search(text)) if match]
    return text[: min(ends, default=len(text))].strip()


def _meanings(text: str) -> dict[str, str]:
    """What the docstring says about each argument, in Google's manner or Sphinx's."""
    found = {name: " ".join(words.split()) for name, words in _SPHINX_ARGUMENT.findall(text)}
    section = re.search(r"^(?:Args|Arguments|Parameters): *\n((?: +.*\n?| *\n)*)", text, re.M)
    latest = ""
    for line in inspect.cleandoc(section.group(1)).splitlines() if section else ():
        if match := _ARGUMENT.match(line):
            latest = match.group(1)
            found[latest] = match.group(2).strip()
        elif latest and line.strip():
            found[latest] = f"{found[latest]} {line.strip()}".strip()
    return found


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False
