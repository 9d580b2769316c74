"""JSON Schemas as grammars: what they let through, letter by letter, and what they refuse."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.engine.constraint import Constraint
from runner.engine.model import Model
from runner.engine.numerals import integer, number
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import ConfigurationError
from runner.fit import Placement
from runner.llama.grammar import Grammar
from runner.prompt import Prompt


@pytest.fixture(scope="module")
def model(tiny_path: Path) -> Iterator[Model]:
    with Model.open(tiny_path, Placement(1024, 0, None, 1, "f16")) as model:
        yield model


def takes(model: Model, constraint: Constraint, text: str) -> bool:
    """Whether a grammar takes all of a text and lets it end there."""
    grammar = Grammar(model.vocabulary, constraint.gbnf)
    try:
        for token in model.vocabulary.encode(text, marks=False):
            if not grammar.allows(token):
                return False
            grammar.accept(token)
        return grammar.allows(model.vocabulary.eos)
    finally:
        grammar.close()


PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    },
    "required": ["age"],
    "additionalProperties": False,
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
            "required": ["v"],
        }
    },
}
EITHER = {
    "properties": {"a": {"const": 1}},
    "required": ["a"],
    "anyOf": [
        {"properties": {"b": {"const": 2}}, "required": ["b"]},
        {"properties": {"c": {"const": 3}}, "required": ["c"]},
    ],
}
NULLS = {"type": "object", "additionalProperties": {"type": "null"}, "minProperties": 1}
PAIR = {"type": "array", "prefixItems": [{"const": 1}, {"type": "boolean"}]}
LONGER = {"prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 2}
BETWEEN = {"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5, "minimum": 1}]}
DATE = {"type": "string", "format": "date"}

# Of each schema, texts that are valid by it and texts that are not.
SCHEMAS: list[tuple[Any, list[str], list[str]]] = [
    (PERSON, ['{"age": 7}', '{ "name":"A\\"b", "age":120, "tags": [] }'], ["{}", '{"age": 121}']),
    (PERSON, ['{"age":0,\n  "tags":["x","y"]}'], ['{"age": -1}', '{"age":1,"tags":["","",""]}']),
    (PERSON, ['{"name": "", "age": 1}'], ['{"age": 1, "more": 2}', '{"age":1,"name":""}']),
    ({"type": "string"}, ['"ä\\n\\u00e9"', '""'], ['"a\nb"', '"\\x"', '"\\ud800"', "a"]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"', '"a\\n"'], ['"a"', '"abcd"']),
    ({"type": "string", "pattern": "^[!-~]{2}$"}, ['"ab"'], ['"a"', '"a"b', '"\\a"']),
    ({"type": "string", "pattern": "b+"}, ['"b"', '"abbc"'], ['"ac"']),
    ({"type": "string", "pattern": "^b\\\\$"}, ['"b\\\\"'], ['"b"', '"b\\\\c"']),
    ({"type": "string", "pattern": '^"\\\\$'}, ['"\\"\\\\"'], ['"""', '"\\""']),
    (DATE, ['"2024-02-29"', '"1999-12-31"'], ['"2024-02-30"', '"2024-04-31"', '"2024-13-01"']),
    (NULLS, ['{"a":null}', '{"a":null, "b": null}'], ["{}", '{"a":1}']),
    ({"properties": {"a": False, "b": {"const": 1}}}, ["{}", '{"b":1}'], ['{"a":1}']),
    (PAIR, ["[1, true]"], ["[1]", "[true, 1]"]),
    (LONGER, ["[1,2]", "[1, 2, 2]"], ["[1]", "[2,2]"]),
    ({"type": "array", "items": False}, ["[]"], ["[1]"]),
    ({"type": ["string", "null"], "maxLength": 1}, ["null", '"a"'], ['"ab"', "1"]),
    (EITHER, ['{"b":2,"a":1}', '{"c":3,"a":1}'], ['{"a":1}', '{"b":2}']),
    (BETWEEN, ["3", "5"], ["2", "6"]),
    ({"minimum": 1, "maximum": 2}, ["1", "1.5", "2"], ["0", "3", '"1"']),
    ({"type": "integer", "exclusiveMinimum": 0, "maximum": 10.5}, ["1", "10"], ["0", "11", "1.0"]),
    ({"type": "string", "enum": ["a", 1, 'q"\n']}, ['"a"', '"q\\"\\n"'], ["1", '"b"']),
    (True, ['{"a": [1, null, {"b": -0.5e-3}]}', "true"], ["{a: 1}", "01", "[1,]"]),
    (TREE, ['{"v":1}', '{"v":1,"next":{"v":2}}'], ['{"next":{"v":1}}', '{"v":1,"next":1}']),
]


@pytest.mark.parametrize(("schema", "valid", "invalid"), SCHEMAS)
def test_what_is_valid(model: Model, schema: Any, valid: list[str], invalid: list[str]) -> None:
    constraint = Constraint.json_schema(schema)
    for text in valid:
        json.loads(text)
        assert takes(model, constraint, text), text
    for text in invalid:
        assert not takes(model, constraint, text), text


REFUSED: list[tuple[Any, str]] = [
    ({"type": "nonsense"}, "at #/type: there is no type 'nonsense'"),
    ({"properties": {"a": {"uniqueItems": True}}}, "at #/properties/a: .* cannot see to 'uniqueI"),
    ({"type": "string", "requierd": []}, "at #: a grammar cannot see to 'requierd'"),
    ({"type": "string", "minimum": 3}, "at #: 'minimum' is not for string"),
    ({"$ref": "#/$defs/missing"}, "at #: there is no '#/\\$defs/missing'"),
    ({"$ref": "https://example.org/schema"}, "only references into the schema itself"),
    ({"allOf": [{"$ref": "#"}]}, "nested too deeply, or refers to itself"),
    ({"properties": {"a": {"pattern": "(?=b)"}}}, "at #/properties/a/pattern: .* cannot say"),
    ({"type": "string", "pattern": "a", "maxLength": 3}, "cannot be seen to together"),
    ({"type": "string", "maxLength": 5000}, "counts to 2000 only"),
    ({"type": "number", "minimum": 0.5}, "only to whole bounds"),
    ({"type": "integer", "minimum": 3, "maximum": 2}, "no number is from 3 to 2"),
    ({"type": "integer", "maximum": "3"}, "the bound '3' is no number"),
    ({"type": "array", "items": False, "minItems": 1}, "cannot be 1 items"),
    ({"type": "array", "minItems": -1}, "at #/minItems: -1 is no count"),
    ({"enum": [1], "type": "string"}, "none of its values is of its type"),
    ({"enum": ["ab"], "maxLength": 1}, "'maxLength' beside a list of values"),
    ({"required": ["a"], "additionalProperties": False}, "nothing is valid by `false`"),
    (
        {"allOf": [{"additionalProperties": False}, {"properties": {"a": True}}]},
        "additionalProperties beside",
    ),
    ({"allOf": [{"items": True}, {"prefixItems": [True]}]}, "'items' is said twice"),
    ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, "'pattern' is said twice"),
    ({"type": {"string": 1}}, "at #: it is no schema"),
    ({"type": []}, "at #/type: it names no type"),
    ({"type": "string", "format": []}, "at #: it is no schema"),
    ({"type": "integer", "minimum": float("inf")}, "at #: it is no schema"),
    ({"properties": {"a": False}, "required": ["a"]}, "nothing is valid by `false`"),
    ({"anyOf": []}, "at #/anyOf: it must be a list of schemas"),
    ({"items": [1, "x"]}, "a schema is an object, true or false"),
]


@pytest.mark.parametrize(("schema", "said"), REFUSED)
def test_what_no_grammar_can_see_to_is_refused_by_name(schema: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Constraint.json_schema(schema)


BOUND = st.one_of(st.none(), st.integers(-120, 120), st.integers(-(10**6), 10**6))


@settings(max_examples=60)
@given(low=BOUND, high=BOUND, data=st.data(), write=st.sampled_from([integer, number]))
def test_numbers_between_bounds(
    model: Model,
    low: int | None,
    high: int | None,
    data: st.DataObject,
    write: Callable[[int | None, int | None], str],
) -> None:
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    near = st.integers(-2, 2)
    ends = [near.map(lambda step, end=end: end + step) for end in (low, high) if end is not None]  # type: ignore[misc]
    value: float = data.draw(st.one_of(st.integers(-(10**7), 10**7), *ends))
    if write is number:
        value += data.draw(st.sampled_from([0, 0.5, -0.25]))
    inside = (low is None or value >= low) and (high is None or value <= high)
    constraint = Constraint("root ::= " + write(low, high))
    assert takes(model, constraint, json.dumps(value)) == inside


LEAVES = st.sampled_from(
    [
        {"type": "integer", "minimum": -3, "maximum": 12},
        {"type": "string", "minLength": 1, "maxLength": 4},
        {"type": "string", "pattern": "^[^a]{2}$"},
        {"enum": ["x", 1, None]},
        {"type": ["boolean", "null"]},
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items, "maxItems": 2}, inner),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        st.builds(
            lambda a, b, required: {"properties": {"a": a, 'b"': b}, "required": required},
            inner,
            inner,
            st.sampled_from([[], ["a"], ['b"'], ["a", 'b"']]),
        ),
    ),
    max_leaves=4,
)


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    """By those keywords alone that `TREES` has."""
    if "anyOf" in schema:
        return any(is_valid(value, part) for part in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if "properties" in schema:
        known = schema["properties"]
        return (
            isinstance(value, dict)
            and set(schema["required"]) <= value.keys() <= known.keys()
            and all(is_valid(value[name], known[name]) for name in value)
        )
    match schema["type"]:
        case "array":
            items = schema["items"]
            listed = isinstance(value, list) and len(value) <= 2
            return listed and all(is_valid(one, items) for one in value)
        case "integer":
            return type(value) is int and -3 <= value <= 12
        case "string" if "pattern" in schema:
            return isinstance(value, str) and len(value) == 2 and "a" not in value
        case "string":
            return isinstance(value, str) and 1 <= len(value) <= 4
    return value in (True, False, None)


@settings(max_examples=40)
@given(schema=TREES, seed=st.integers(0, 2**31))
def test_whatever_is_drawn_is_valid(model: Model, schema: dict[str, Any], seed: int) -> None:
    options = Options(
        sampling=Sampling(temperature=3, top_k=0, top_p=1, min_p=0, seed=seed),
        constraint=Constraint.json_schema(schema),
        max_tokens=600,
    )
    stream = model.generate(Prompt.raw("{"), options)
    text = "".join(event.text for event in stream)
    # It can always add another line break; and draws so wild are not always UTF-8.
    if stream.finish.reason == "end" and "\ufffd" not in text:
        assert is_valid(json.loads(text), schema)
