"""Tool calls: what models write, and what is wrong with what they write wrongly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import RunnerError
from runner.prompt import ToolCall, parse_tool_calls

CLOCK = ToolCall("clock", {"zone": "UTC"})


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('{"name": "clock", "arguments": {"zone": "UTC"}}', [CLOCK]),
        ('\n<tool_call>\n{"name": "clock", "arguments": {"zone": "UTC"}}\n</tool_call>\n', [CLOCK]),
        ('{"name": "clock", "arguments": "{\\"zone\\": \\"UTC\\"}"}', [CLOCK]),
        ('{"name": "clock", "parameters": {"zone": "UTC"}}', [CLOCK]),
        (
            '[{"name": "clock", "arguments": {"zone": "UTC"}}, {"name": "f"}]',
            [CLOCK, ToolCall("f")],
        ),
        ('{"name": "f"}\n{"name": "g", "arguments": ""}', [ToolCall("f"), ToolCall("g")]),
        ('{"name": "f", "arguments": null, "id": "7"}', [ToolCall("f", {}, "7")]),
        (
            '<tool_call>{"name": "f", "arguments": {"x": "</tool_call>"}}</tool_call>'
            '<tool_call>{"name": "g"}</tool_call>',
            [ToolCall("f", {"x": "</tool_call>"}), ToolCall("g")],
        ),
        ("", []),
        (" \n", []),
        ("[]", []),
    ],
)
def test_calls(text: str, calls: list[ToolCall]) -> None:
    assert parse_tool_calls(text) == calls


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("clock, please", "is not JSON: 'clock, please'"),
        ('{"name": "clock", "arguments": {"zone": ', 'is not JSON: \'{"name": "clock"'),
        ('{"name": "f"} and', "is not JSON: 'and'"),
        ("[" * 100_000, "is not JSON"),
        ('{"arguments": {}}', "names no function"),
        ('{"name": ""}', "names no function"),
        ('{"name": 3}', "names no function"),
        ('"clock"', "is text where an object was expected"),
        ("[[]]", "is a list where an object was expected"),
        ("7", "is a number where"),
        ("true", "is true or false where"),
        ('{"name": "f", "arguments": "zone=UTC"}', "'f' has arguments that are not JSON"),
        ('{"name": "f", "arguments": [1]}', "'f' has a list for arguments, not an object"),
        ('{"name": "f", "arguments": "[1]"}', "'f' has a list for arguments, not an object"),
    ],
)
def test_malformed_calls_say_what_is_wrong(text: str, cause: str) -> None:
    with pytest.raises(RunnerError, match=cause) as error:
        parse_tool_calls(text)
    assert "arguments" in error.value.remedy


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.text(min_size=1, max_size=8), st.dictionaries(st.text(max_size=4), json_values))
def test_what_is_written_is_read(name: str, arguments: dict[str, object]) -> None:
    wish = {"name": name, "arguments": arguments}
    expected = [ToolCall(name, arguments)]
    assert parse_tool_calls(json.dumps(wish)) == expected
    assert parse_tool_calls(json.dumps({**wish, "arguments": json.dumps(arguments)})) == expected
    assert parse_tool_calls(json.dumps([wish], indent=2)) == expected
    assert parse_tool_calls("\n".join([json.dumps(wish)] * 2)) == expected * 2
