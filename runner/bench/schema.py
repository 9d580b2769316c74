"""The JSON Schema of a record, made from its dataclasses: what `record.schema.json` beside this
file holds, which others read records by.

`python -m runner.bench.schema` writes the file anew after a field was added.
"""

import dataclasses
import inspect
import json
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from runner.bench.record import SCHEMA, Record

FILE = Path(__file__).with_name("record.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def record_schema() -> dict[str, Any]:
    """The schema of one record. A record may have more fields than it names: those of a later
    version of the same schema."""
    definitions: dict[str, Any] = {}
    reference = _schema(Record, definitions)
    definitions["Record"]["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": DIALECT,
        "title": SCHEMA,
        "description": "A measurement by Runner. Counts are in tokens, sizes in bytes, durations "
        "in seconds, rates in tokens/s and energy in joules.",
        **reference,
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(record_schema(), indent=2, ensure_ascii=False) + "\n"


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind is Any:
        return {}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, definitions)
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one, definitions) for one in inner]}
    if origin is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": _schema(inner[0], definitions)}
    if origin is tuple:
        items = [_schema(one, definitions) for one in inner]
        return {"type": "array", "prefixItems": items, "minItems": len(inner), "items": False}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], definitions)}
    raise TypeError(f"{kind} has no place in a record")


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    reference = {"$ref": f"#/$defs/{kind.__name__}"}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # taken, should it hold another of its own kind
        hints = get_type_hints(kind)
        missing = (dataclasses.MISSING, dataclasses.MISSING)
        fields = dataclasses.fields(kind)
        definitions[kind.__name__] = {
            "description": " ".join(inspect.cleandoc(kind.__doc__ or "").split()),
            "type": "object",
            "properties": {one.name: _schema(hints[one.name], definitions) for one in fields},
            "required": [
                one.name for one in fields if (one.default, one.default_factory) == missing
            ],
        }
    return reference


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8", newline="\n")
