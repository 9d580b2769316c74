"""A tool call, and what every format has to see to when it reads one."""

import json
import math
from dataclasses import dataclass, field
from typing import Any, NoReturn

from runner.errors import RunnerError

DEEPEST = 64
"""How deep arguments may nest."""

_REMEDY = 'A call looks like {"name": "clock", "arguments": {"zone": "UTC"}}.'


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a function called. `id` is empty where the format has none."""

    name: str
    arguments: dict[str, object] = field(default_factory=dict)
    id: str = ""


def made(name: Any, arguments: Any, identity: Any = "") -> ToolCall:
    """A call of these parts. `arguments` is an object, one that is written as JSON, or None.

    Raises RunnerError for anything else, and for arguments that JSON cannot hold.
    """
    if not isinstance(name, str) or not name:
        raise malformed("names no function")
    if isinstance(arguments, str):
        try:
            arguments = DECODER.decode(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            raise malformed(f"of {name!r} has arguments that are not JSON") from error
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise malformed(f"of {name!r} has {described(arguments)} for arguments, not an object")
    identity = identity if isinstance(identity, str) else ""
    return ToolCall(_characters(name), _plain(arguments, name), _characters(identity))


def described(value: Any) -> str:
    """What kind of JSON the value is."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def malformed(what: str) -> RunnerError:
    """The error that tells what is wrong with a call."""
    return RunnerError(f"The model's tool call {what}.", remedy=_REMEDY)


def excerpt(text: str) -> str:
    """The beginning of a text, to be shown in an error."""
    return repr(text.strip()[:60])


def _plain(value: Any, name: str, depth: int = 0) -> Any:
    """The arguments as templates and databases can take them."""
    if depth > DEEPEST:
        raise malformed(f"of {name!r} nests its arguments more than {DEEPEST} deep")
    if isinstance(value, str):
        return _characters(value)
    if isinstance(value, dict):
        return {_characters(str(key)): _plain(one, name, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, name, depth + 1) for one in value]
    if value is None or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    raise malformed(f"of {name!r} has arguments that JSON cannot hold")


def _characters(text: str) -> str:
    """The text with U+FFFD for half a character, which JSON may write and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse)
