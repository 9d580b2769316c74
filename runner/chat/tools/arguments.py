"""Whether what a model gives a tool is what its JSON schema asks for.

Small models write numbers as text, and some formats know nothing but text: what means the same is
made to fit. The words of JSON Schema that say a value's shape are looked at; a server checks the
others itself.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_DEEPEST = 50


class Unfit(ValueError):
    """An argument that the tool cannot take; the message says which and why."""


def fitted(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the schema of an object wants them. Raises Unfit."""
    return _object(dict(arguments), schema, "", 0)


def _fit(value: Any, schema: Any, where: str, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return value
    if value is None and schema.get("nullable"):
        return None
    if options := _list(schema.get("anyOf")) or _list(schema.get("oneOf")):
        return _one_of(value, options, where, depth)
    if choices := _list(schema.get("enum")):
        return _choice(value, choices, where)
    kinds = schema.get("type")
    if several := _list(kinds):
        return _one_of(value, [{**schema, "type": kind} for kind in several], where, depth)
    if not isinstance(kinds, str) or kinds not in _NAMES:
        return value
    value = _as(value, kinds, where)
    if kinds == "array":
        items = schema.get("items")
        return [_fit(one, items, f"{where}[{at}]", depth + 1) for at, one in enumerate(value)]
    return _object(value, schema, f"{where}.", depth + 1) if kinds == "object" else value


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], prefix: str, depth: int
) -> dict[str, Any]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    others = schema.get("additionalProperties", True)
    for name in _list(schema.get("required")):
        if isinstance(name, str) and name not in value:
            raise Unfit(f"the argument {prefix}{name} is missing.")
    if others is False and (odd := [name for name in value if name not in properties]):
        known = f"There is: {', '.join(properties)}." if properties else "It takes none."
        raise Unfit(f"there is no argument {prefix}{odd[0]}. {known}")
    return {
        name: _fit(one, properties.get(name, others), f"{prefix}{name}", depth)
        for name, one in value.items()
    }


def _list(value: Any) -> Sequence[Any]:
    """What should be a list in a schema, which may be from outside; empty where it is none."""
    return value if isinstance(value, list | tuple) else ()


def _one_of(value: Any, options: Sequence[Any], where: str, depth: int) -> Any:
    """The value as the first option takes it, exactly if one does."""
    problem: Unfit | None = None
    loose: list[Any] = []
    for option in options:
        try:
            fit = _fit(value, option, where, depth + 1)
        except Unfit as error:
            problem = error
            continue
        if type(fit) is type(value):
            return fit
        loose.append(fit)
    if loose:
        return loose[0]
    raise problem or Unfit(f"the argument {where} fits nothing.")


def _choice(value: Any, choices: Sequence[Any], where: str) -> Any:
    for choice in choices:
        if value == choice and isinstance(value, bool) == isinstance(choice, bool):
            return choice
    for choice in choices:
        if isinstance(value, str) and not isinstance(choice, str) and value == json.dumps(choice):
            return choice
    listed = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    raise Unfit(f"the argument {where} has to be one of {listed}.")


def _as(value: Any, kind: str, where: str) -> Any:
    """The value as one of the kind, if it is one or is written as one."""
    if _is(value, kind):
        return value
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        try:
            read = json.loads(value.lower() if kind in ("boolean", "null") else value)
        except (ValueError, RecursionError):
            read = value
        if not isinstance(read, str):
            return _as(read, kind, where)
    raise Unfit(f"the argument {where} has to be {_NAMES[kind]}.")


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    types: dict[str, Any] = {
        "string": str, "integer": int, "number": int | float, "array": list, "object": dict,
        "null": type(None),
    }  # fmt: skip
    return kind in types and isinstance(value, types[kind])
