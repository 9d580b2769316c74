"""JSON Schemas as grammars: of the JSON texts that are valid by a schema.

Every text that the grammar allows is valid. What no grammar can see to is refused by name, never
left out. Some valid texts are not allowed: the properties of an object come in the order of the
schema, and others only where it names none; `format` is followed for dates, times and UUIDs;
`oneOf` is taken for `anyOf`.
"""

import json
import math
from collections.abc import Callable
from typing import Any

from runner.engine import numerals
from runner.engine.pattern import MOST_REPETITIONS, literal, pattern
from runner.engine.schema_both import NOTES, Schema, both, refused
from runner.errors import ConfigurationError

BASE = {
    "space": '(" " | "\\n" [ \\t]{0,20})?',
    "hex": "[0-9a-fA-F]",
    # \u of one half of a surrogate pair would be no character.
    "escape": '"\\\\" (["\\\\/bfnrt] | "u" ([0-9a-cefA-CEF] hex{3} | [dD] [0-7] hex{2}))',
    "char": '[^"\\\\\\x00-\\x1f\\x7f\\ud800-\\udfff\\U00110000-\\U001fffff] | escape',
    "string": '"\\"" char* "\\""',
    "integer": numerals.integer(None, None),
    "number": numerals.number(None, None),
    "boolean": '"true" | "false"',
    "null": '"null"',
    "member": 'string space ":" space value',
    "object": '"{" space (member (space "," space member)* space)? "}"',
    "array": '"[" space (value (space "," space value)* space)? "]"',
    "value": "object | array | string | number | boolean | null",
}

_DAYS = "0[1-9]|1[0-9]|2[0-9]"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
FORMATS = {
    "date": f"[1-9][0-9]{{3}}-((0[1-9]|1[0-2])-({_DAYS})|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)",
    "time": rf"{_CLOCK}:[0-5][0-9](\.[0-9]{{1,6}})?(Z|[+-]{_CLOCK})",
    "uuid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
FORMATS["date-time"] = f"{FORMATS['date']}T{FORMATS['time']}"

OF_TYPE = {
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems"},
    "string": {"minLength", "maxLength", "pattern", "format"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": set[str](),
    "null": set[str](),
}
# What `json` makes of each type.
PYTHON: dict[Any, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "number": (int, float),
    "null": (type(None),),
}  # fmt: skip
JOINING = ("$ref", "allOf", "anyOf", "oneOf")
KNOWN = {"type", "enum", "const", *JOINING}.union(*OF_TYPE.values())


def grammar_of(schema: Schema) -> str:
    """Raises ConfigurationError, with the place, for what is no schema or wants what no grammar
    can see to."""
    converter = _Converter(schema)
    try:
        root = converter.expression(schema, "#")
    except RecursionError:
        raise refused("#", "it is nested too deeply, or refers to itself alone") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise refused("#", f"it is no schema: {error}") from error  # a value of a wrong type
    rules = {"root": root, **BASE, **converter.rules}
    return "\n".join(f"{name} ::= {rule}" for name, rule in rules.items())


class _Converter:
    def __init__(self, document: Schema) -> None:
        self._document = document
        self._referred: dict[str, str] = {}
        self.rules: dict[str, str] = {}

    def expression(self, schema: Schema, at: str) -> str:
        """The expression of the texts that are valid by a schema, which stands at `at`."""
        if schema is True or schema == {}:
            return "value"
        if schema is False:
            raise refused(at, "nothing is valid by `false`")
        if not isinstance(schema, dict):
            raise refused(at, "a schema is an object, true or false")
        said = {name: value for name, value in schema.items() if self._counts(name, value, at)}
        for keyword in JOINING:
            if keyword in said:
                rest = {name: value for name, value in said.items() if name != keyword}
                return self._joined(keyword, said[keyword], rest, at)
        if "const" in said or "enum" in said:
            return self._listed(said, at)
        types = said.get("type", self._meant(said))
        types = types if isinstance(types, list) else [types]
        if not types:
            raise refused(f"{at}/type", "it names no type")
        return self._either([self._of_type(kind, said, types, at) for kind in types])

    def _counts(self, name: str, value: Any, at: str) -> bool:
        """Whether a keyword decides what is valid."""
        if name in NOTES or name.startswith("x-") or (name, value) == ("uniqueItems", False):
            return False
        if name not in KNOWN:
            raise refused(
                at,
                f"a grammar cannot see to {name!r}",
                remedy="Leave it out, and check the answer for it.",
            )
        return True

    def _meant(self, said: dict[str, Any]) -> list[str]:
        """The types that the keywords are for, where none is named."""
        types = [kind for kind in OF_TYPE if kind != "integer" and OF_TYPE[kind] & said.keys()]
        return types or ["value"]

    def _either(self, parts: list[str]) -> str:
        return parts[0] if len(parts) == 1 else f"({' | '.join(dict.fromkeys(parts))})"

    def _rule(self, expression: str) -> str:
        """The name of a new rule."""
        name = f"r{len(self.rules)}"
        self.rules[name] = expression
        return name

    def _joined(self, keyword: str, value: Any, rest: dict[str, Any], at: str) -> str:
        """A schema that builds on others: what it says beside them holds too."""
        if keyword == "$ref":
            if rest:
                return self.expression(both(self._target(value, at), rest, at), at)
            return self._reference(value, at)
        if not isinstance(value, list) or not value:
            raise refused(f"{at}/{keyword}", "it must be a list of schemas")
        if keyword == "allOf":
            whole: Schema = rest
            for part in value:
                whole = both(whole, self._resolved(part, at), at)
            return self.expression(whole, at)
        parts = []
        for number, part in enumerate(value):
            joined = both(self._resolved(part, at), rest, at) if rest else part
            parts.append(self.expression(joined, f"{at}/{keyword}/{number}"))
        return self._either(parts)

    def _resolved(self, part: Any, at: str) -> Any:
        """A schema that is nothing but a reference, as what it refers to."""
        alone = isinstance(part, dict) and part.keys() - NOTES == {"$ref"}
        return self._target(part["$ref"], at) if alone else part

    def _reference(self, pointer: Any, at: str) -> str:
        target = self._target(pointer, at)
        if pointer not in self._referred:
            # Named before it is written, so that it may refer to itself.
            name = self._referred[pointer] = self._rule("")
            self.rules[name] = self.expression(target, pointer)
        return self._referred[pointer]

    def _target(self, pointer: Any, at: str) -> Any:
        target: Any = self._document
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            raise refused(at, f"only references into the schema itself are followed: {pointer!r}")
        for step in pointer[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            try:
                target = target[int(key) if isinstance(target, list) else key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise refused(at, f"there is no {pointer!r}") from None
        return target

    def _listed(self, said: dict[str, Any], at: str) -> str:
        """One of some values. What else is said must be seen to in them."""
        others = said.keys() - {"type", "enum", "const"}
        if others:
            raise refused(at, f"{min(others)!r} beside a list of values")
        values = said.get("enum", [said.get("const")])
        if "const" in said:
            values = [value for value in values if value == said["const"]]
        if not isinstance(values, list):
            raise refused(f"{at}/enum", "it must be a list")
        kinds = said.get("type", list(OF_TYPE))
        kinds = kinds if isinstance(kinds, list) else [kinds]
        fitting = [value for value in values if any(_is_a(kind, value) for kind in kinds)]
        if not fitting:
            raise refused(at, "none of its values is of its type")
        return self._either([literal(json.dumps(value, ensure_ascii=False)) for value in fitting])

    def _of_type(self, kind: Any, said: dict[str, Any], kinds: list[Any], at: str) -> str:
        if kind == "value":
            return "value"
        if kind not in OF_TYPE:
            raise refused(f"{at}/type", f"there is no type {kind!r}")
        own = {name: said[name] for name in OF_TYPE[kind] if name in said}
        elsewhere = set[str]().union(*(OF_TYPE[one] for one in kinds if one in OF_TYPE))
        if stray := said.keys() - elsewhere - {"type"}:
            raise refused(at, f"{min(stray)!r} is not for {' or '.join(map(str, kinds))}")
        write: dict[str, Callable[[dict[str, Any], str], str]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._number,
            "number": self._number,
        }
        if not own or kind not in write:
            return str(kind)
        if kind in ("integer", "number"):
            own["type"] = kind
        return write[kind](own, at)

    def _object(self, said: dict[str, Any], at: str) -> str:
        properties = said.get("properties", {})
        required = said.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise refused(at, "properties must be an object, and required a list")
        others = said.get("additionalProperties", True)
        named = {name: inner for name, inner in properties.items() if inner is not False}
        named |= {name: properties.get(name, others) for name in required}
        least, most = _count(said, "minProperties", at), _count(said, "maxProperties", at)
        if not named:
            if others is False:
                return '"{" space "}"'
            member = self._rule(f'string space ":" space {self.expression(others, at)}')
            return f'"{{" space {self._list(member, least or 0, most)} "}}"'
        if (least or 0) > len(set(required)) or (most is not None and most < len(named)):
            raise refused(at, "a grammar cannot count properties that have names")
        members = []
        for name, schema in named.items():
            inner = self.expression(schema, f"{at}/properties/{name}")
            key = literal(json.dumps(name, ensure_ascii=False))
            members.append((f'{key} space ":" space {inner}', name in required))
        return f'"{{" space {self._members(members)} "}}"'

    def _members(self, members: list[tuple[str, bool]]) -> str:
        """Some of these in their order: those that are required, and any of the others."""
        # From the last to the first: what may follow where something stands before, and where not.
        after, first = "space", '""'
        for member, required in reversed(members):
            following = self._rule(after)
            here = f"{member} {following}"
            later = self._rule(first)
            after = f'space "," space {here}'
            after = after if required else f"({after} | {following})"
            first = here if required else f"({here} | {later})"
        return first

    def _list(self, item: str, least: int, most: int | None) -> str:
        """From `least` to `most` of a rule, with commas between."""
        if most is not None and most < max(least, 1):
            if most < least:
                raise refused("#", f"at least {least} and at most {most} cannot be")
            return ""
        if max(least, most or 0) > MOST_REPETITIONS:
            raise refused("#", f"llama.cpp counts to {MOST_REPETITIONS} only")
        upper = "" if most is None else most - 1
        some = f'{item} (space "," space {item}){{{max(least - 1, 0)},{upper}}} space'
        return some if least else f"({some})?"

    def _array(self, said: dict[str, Any], at: str) -> str:
        items, prefix = said.get("items", True), said.get("prefixItems", [])
        if isinstance(items, list):  # as older drafts wrote it
            items, prefix = True, items
        least, most = _count(said, "minItems", at) or 0, _count(said, "maxItems", at)
        front = [
            self.expression(one, f"{at}/prefixItems/{n}") for n, one in enumerate(prefix[:most])
        ]
        count = len(front)
        more = "items" in said and items is not False and not isinstance(said["items"], list)
        if count and not more and least <= count:
            most = count
        if items is False:
            most = count if most is None else min(most, count)
        wanted, room = max(0, least - count), None if most is None else most - count
        if room is not None and room < wanted:
            raise refused(at, f"there cannot be {least} items")
        if not count:
            inner = "" if room == 0 else self._list(self._item(items, at), wanted, room)
            return f'"[" space {inner} "]"'
        listed = ' space "," space '.join(front)
        if room == 0:
            return f'"[" space {listed} space "]"'
        upper = "" if room is None else room
        rest = f'(space "," space {self._item(items, at)}){{{wanted},{upper}}}'
        return f'"[" space {listed} {rest} space "]"'

    def _item(self, items: Schema, at: str) -> str:
        return self._rule(self.expression(items, f"{at}/items"))

    def _string(self, said: dict[str, Any], at: str) -> str:
        least, most = _count(said, "minLength", at), _count(said, "maxLength", at)
        form = FORMATS.get(said.get("format", ""))
        if "pattern" in said or form:
            if least is not None or most is not None or ("pattern" in said and form):
                raise refused(at, "a pattern, a format and a length cannot be seen to together")
            inner = _searched(form or said["pattern"], "" if form else "char*", at)
            return f'"\\"" {inner} "\\""'
        if most is not None and most < (least or 0):
            raise refused(at, f"minLength {least} and maxLength {most} cannot be")
        if max(least or 0, most or 0) > MOST_REPETITIONS:
            raise refused(at, f"llama.cpp counts to {MOST_REPETITIONS} only")
        return f'"\\"" char{{{least or 0},{"" if most is None else most}}} "\\""'

    def _number(self, said: dict[str, Any], at: str) -> str:
        low, high = said.get("minimum"), said.get("maximum")
        over, under = said.get("exclusiveMinimum"), said.get("exclusiveMaximum")
        for bound in (low, high, over, under):
            if bound is not None and not _is_a("number", bound):
                raise refused(at, f"the bound {bound!r} is no number")
        if said["type"] == "integer":
            least = _furthest(max, low if low is None else math.ceil(low), _after(over))
            most = _furthest(min, high if high is None else math.floor(high), _before(under))
            self._require_order(least, most, at)
            return numerals.integer(least, most)
        whole = all(bound is None or bound == int(bound) for bound in (low, high))
        if over is not None or under is not None or not whole:
            raise refused(at, "a grammar sees only to whole bounds of numbers, included themselves")
        least, most = (None if bound is None else int(bound) for bound in (low, high))
        self._require_order(least, most, at)
        return numerals.number(least, most)

    def _require_order(self, low: int | None, high: int | None, at: str) -> None:
        if low is not None and high is not None and low > high:
            raise refused(at, f"no number is from {low} to {high}")


def _furthest(choose: Callable[..., int], *bounds: int | None) -> int | None:
    """The tightest of some bounds; None where there is none."""
    return choose((bound for bound in bounds if bound is not None), default=None)


def _after(bound: float | None) -> int | None:
    return None if bound is None else math.floor(bound) + 1


def _before(bound: float | None) -> int | None:
    return None if bound is None else math.ceil(bound) - 1


def _count(said: dict[str, Any], name: str, at: str) -> int | None:
    value = said.get(name)
    if value is not None and (not _is_a("integer", value) or value < 0):
        raise refused(f"{at}/{name}", f"{value!r} is no count")
    return value


def _searched(text: Any, around: str, at: str) -> str:
    """A pattern as an expression; `around` is what may stand where it is not anchored."""
    if not isinstance(text, str):
        raise refused(f"{at}/pattern", f"{text!r} is no text")
    try:
        return pattern(text, in_json=True, around=around)
    except ConfigurationError as error:
        raise refused(f"{at}/pattern", error.message, error.remedy) from error


def _is_a(kind: Any, value: Any) -> bool:
    if isinstance(value, bool):  # which Python takes for an int
        return bool(kind == "boolean")
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return kind in PYTHON and isinstance(value, PYTHON[kind])
