"""Two JSON Schemas that hold at once, as one."""

from collections.abc import Callable
from typing import Any

from runner.errors import ConfigurationError

Schema = dict[str, Any] | bool

NOTES = {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default",
         "example", "examples", "deprecated", "readOnly", "writeOnly", "discriminator",
         "contentMediaType", "contentEncoding"}  # fmt: skip
"""Keywords that say nothing of which texts are valid."""

BOUNDS: dict[str, Callable[[Any, Any], Any]] = {
    name: max if name.startswith(("min", "exclusiveMin")) else min
    for name in (
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
        "minItems", "maxItems", "minProperties", "maxProperties",
    )
}  # fmt: skip


def refused(at: str, why: str, remedy: str = "") -> ConfigurationError:
    return ConfigurationError(f"the JSON schema at {at}: {why}", remedy=remedy)


def both(one: Schema, other: Schema, at: str) -> Schema:
    """A schema by which nothing is valid but what is so by both.

    Raises ConfigurationError where they cannot be told in one.
    """
    if not isinstance(one, dict) or not isinstance(other, dict):
        return other if one is True else one if other is True else False
    _require_apart(one, other, at)
    merged = dict(one)
    for name, value in other.items():
        if name in NOTES or name not in merged or merged[name] == value:
            merged[name] = value
        elif name in ("required", "allOf"):
            merged[name] = [*merged[name], *value]
        elif name == "properties":
            common = {
                key: {"allOf": [one[name][key], value[key]]} for key in one[name].keys() & value
            }
            merged[name] = one[name] | value | common
        elif name in BOUNDS:
            merged[name] = BOUNDS[name](merged[name], value)
        else:
            raise refused(at, f"{name!r} is said twice, and differently")
    return merged


def _require_apart(one: dict[str, Any], other: dict[str, Any], at: str) -> None:
    """What one says of all properties or items that it does not name would no longer hold of those
    that the other names."""
    for first, second in ((one, other), (other, one)):
        more = second.get("properties", {}).keys() - first.get("properties", {}).keys()
        if first.get("additionalProperties", True) is not True and more:
            raise refused(at, "additionalProperties beside properties that another part names")
    items = [{k: v for k, v in s.items() if k in ("items", "prefixItems")} for s in (one, other)]
    if all(items) and items[0] != items[1]:
        raise refused(at, "'items' is said twice, and differently")
