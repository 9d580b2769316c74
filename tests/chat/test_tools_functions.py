"""Python functions as tools: how they are described, checked, run and told of."""

import json
import threading
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.chat.tools import Toolbox
from runner.chat.tools.arguments import Unfit, fitted
from runner.chat.tools.toolbox import LONGEST_RESULT, bounded
from runner.errors import ConfigurationError
from runner.prompt import ToolCall

CLOCK = '''
"""Tells the time."""
from typing import Annotated, Any, Literal
import helper_beside

RUNS = []
RUNS.append(1)

def clock(zone: str, style: Literal["long", "short"] = "short", offset: int | None = None):
    """Tells the time of a zone.

    Of any zone.

    Args:
        zone: A time zone,
            such as UTC.
        style (str): How to say it.

    Returns:
        The time.
    """
    return f"{zone} {style} {offset!r}"

async def mean(numbers: list[float], weights: dict[str, float] = {}, **_kept: Any) -> Any: ...

def _hidden(): ...
'''


def written(folder: Path, text: str, name: str = "tools.py") -> str:
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return str(path)


def toolbox(folder: Path, text: str, **options: Any) -> Toolbox:
    return Toolbox([written(folder, text)], **options)


def result(tools: Toolbox, name: str, **arguments: Any) -> str:
    return tools.call(ToolCall(name, arguments))


def test_a_function_is_described_by_its_signature_and_docstring(tmp_path: Path) -> None:
    written(tmp_path, "", "helper_beside.py")
    with Toolbox([f"{written(tmp_path, CLOCK)}:clock"]) as tools:
        assert tools.descriptions == [
            {
                "type": "function",
                "function": {
                    "name": "clock",
                    "description": "Tells the time of a zone.\n\nOf any zone.",
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "zone": {"type": "string", "description": "A time zone, such as UTC."},
                            "style": {
                                "type": "string",
                                "enum": ["long", "short"],
                                "description": "How to say it.",
                                "default": "short",
                            },
                            "offset": {"type": "integer", "nullable": True},
                        },
                        "required": ["zone"],
                        "additionalProperties": False,
                    },
                },
            }
        ]
        assert result(tools, "clock", zone="UTC", offset="3") == "UTC short 3"


def test_types_and_sphinx_docstrings(tmp_path: Path) -> None:
    source = """
        from __future__ import annotations
        from typing import Annotated, Any, Optional, Union

        def f(a, b: float, c: Annotated[bool, "Whether."], d: list[int],
              e: dict[str, Optional[int]], f: Union[int, str] = 1, *, g: Any = object()):
            '''Does it.

            :param b: How far,
                in metres.
            :param list d: Which.
            :returns: x
            '''
    """
    [described] = toolbox(tmp_path, source).descriptions
    function = described["function"]
    assert function["description"] == "Does it."
    assert function["parameters"]["properties"] == {
        "a": {},
        "b": {"type": "number", "description": "How far, in metres."},
        "c": {"type": "boolean", "description": "Whether."},
        "d": {"type": "array", "items": {"type": "integer"}, "description": "Which."},
        "e": {"type": "object", "additionalProperties": {"type": "integer", "nullable": True}},
        "f": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 1},
        "g": {},
    }
    assert function["parameters"]["required"] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("source", "name", "cause"),
    [
        ("", "", "has no public function"),
        ("import os\nfrom os import getcwd\nclass C: ...\nx = lambda: 1", ":x", "no public"),
        ("def f(): ...", ":g", "no public function 'g'"),
        ("def f(*a): ...", "", r"takes \*a, which a model cannot give by name"),
        ("def f(**a): ...", "", r"takes \*\*a"),
        ("def f(a, /): ...", "", "takes a, which"),
        ("def f(a: set[int]): ...", "", "The argument a of .* is of the type set"),
        ("def f(a: object): ...", "", "of the type object"),
        ("def f(a: dict[int, int]): ...", "", "of the type dict"),
        ("def f(a: 'Nothing'): ...", "", "types of .* cannot be read: name 'Nothing'"),
        ("def f(:", "", "cannot be imported: SyntaxError"),
        ("raise SystemExit(3)", "", "cannot be imported: SystemExit: 3"),
        ("1 / 0", "", "cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, source: str, name: str, cause: str
) -> None:
    source = source.replace("x = lambda: 1", "x = C")
    with pytest.raises(ConfigurationError, match=cause):
        Toolbox([written(tmp_path, source) + name])


@pytest.mark.parametrize("named", ["clock", "nowhere.py", "nowhere.py:f", "x.txt:f", ""])
def test_a_file_that_is_not_there_says_so(named: str) -> None:
    with pytest.raises(ConfigurationError, match="There is no Python file") as error:
        Toolbox([named])
    assert "FILE.py:NAME" in error.value.remedy


def test_a_file_runs_once_and_a_function_named_twice_is_one(tmp_path: Path) -> None:
    source = f"""
        with open({str(tmp_path / "runs")!r}, "a") as runs: runs.write("x")
        def f(): "F"
        def g(): "G"
    """
    path = written(tmp_path, source)
    tools = Toolbox([f"{path}:g", f"{path}:g", path])
    assert [one["function"]["name"] for one in tools.descriptions] == ["g", "f"]
    assert (tmp_path / "runs").read_text() == "x"


def test_what_a_call_answers(tmp_path: Path) -> None:
    source = """
        import sys
        def text() -> str: return "as it is <|im_end|>"
        def nothing(): ...
        def data(): return {"é": [1, None], "path": __import__("pathlib").PurePosixPath("a")}
        async def later(): return "later"
        def fails(): raise ValueError("no")
        def leaves(): sys.exit(3)
        def circle():
            a = []
            a.append(a)
            return a
        def half(): return "\\ud800"
        def long(): return "x" * 100_000
    """
    with toolbox(tmp_path, source) as tools:
        assert result(tools, "text") == "as it is <|im_end|>"
        assert result(tools, "nothing") == "null"
        assert result(tools, "data") == '{"é": [1, null], "path": "a"}'
        assert result(tools, "later") == "later"
        assert result(tools, "fails") == "Error: ValueError: no"
        assert result(tools, "leaves") == "Error: SystemExit: 3"
        assert result(tools, "circle").startswith("Error: ValueError: Circular")
        assert result(tools, "half") == "?"
        cut = result(tools, "long")
        assert cut.startswith("x" * LONGEST_RESULT + "\n[cut here:")
        assert cut.endswith(f"the first {LONGEST_RESULT} of 100000 characters]")
        assert bounded("x" * 9, 9) == "x" * 9
        assert tools.call(ToolCall("long"), longest=3) == (
            "xxx\n[cut here: these are the first 3 of 100000 characters]"
        )
        assert result(tools, "nope").startswith("Error: there is no tool 'nope'. There is: text,")
        assert result(tools, "text", extra=1) == (
            "Error: there is no argument extra. It takes none."
        )


def test_what_a_tool_prints_is_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
        import sys
        print("loaded")
        def f():
            print("aside", 1, sep="-")
            print("meant", file=sys.stdout)
            return "told"
    """
    with toolbox(tmp_path, source) as tools:
        assert result(tools, "f") == "told"
    assert capsys.readouterr() == ("meant\n", "loaded\naside-1\n")


def test_a_call_that_does_not_end_is_left(tmp_path: Path) -> None:
    source = """
        import threading
        STOP = threading.Event()
        def waits(): STOP.wait(); return "done"
        def stops(): STOP.set(); return "stopped"
    """
    with toolbox(tmp_path, source, time_limit=0.05) as tools:
        assert result(tools, "waits") == "Error: it was not done after 0.05 seconds."
        assert result(tools, "stops") == "stopped"
    with toolbox(tmp_path, source) as tools:
        timer = threading.Timer(0.05, tools.cancel)
        timer.start()
        assert result(tools, "waits") == "Error: the user stopped it."
        timer.join()
        tools.cancel()  # with nothing under way
        assert result(tools, "stops") == "stopped"


def test_what_runs_without_asking(tmp_path: Path) -> None:
    source = "def read_file(): ...\ndef read_url(): ...\ndef delete(): ..."
    tools = toolbox(tmp_path, source, allowed=["read_*"])
    allowed = {name: tools.allows(ToolCall(name)) for name in ("read_file", "read_url", "delete")}
    assert allowed == {"read_file": True, "read_url": True, "delete": False}
    assert tools.allows(ToolCall("unknown"))  # it runs nothing
    assert not toolbox(tmp_path, source).allows(ToolCall("delete"))
    assert toolbox(tmp_path, source, allowed=["*"]).allows(ToolCall("delete"))


def test_functions_of_one_name_are_told_apart_by_their_files(tmp_path: Path) -> None:
    files = [written(tmp_path, f"def f(): return {n}", f"{n} b.py") for n in ("1", "2")]
    (tmp_path / "deep").mkdir()
    files.append(written(tmp_path / "deep", "def f(): return 3", "1 b.py"))
    with Toolbox(files) as tools:
        names = [one["function"]["name"] for one in tools.descriptions]
        assert names == ["1_b_f", "2_b_f", "1_b_f_2"]
        assert [result(tools, name) for name in names] == ["1", "2", "3"]
        assert len(tools) == 3


SCHEMA = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "name": {"type": "string"},
        "sure": {"type": "boolean"},
        "kind": {"enum": ["a", 2, True, None]},
        "list": {"type": "array", "items": {"type": "integer"}},
        "deep": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "maybe": {"type": ["integer", "null"]},
        "odd": {"$ref": "#/$defs/odd", "type": "colour"},
        "none": {"type": "string", "nullable": True},
    },
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("count", "3", 3),
        ("count", 3.0, 3),
        ("share", "1.5", 1.5),
        ("share", 2, 2),
        ("name", 3, "3"),
        ("name", "3", "3"),
        ("sure", "True", True),
        ("sure", "false", False),
        ("kind", "a", "a"),
        ("kind", "2", 2),
        ("kind", "true", True),
        ("list", "[1, 2]", [1, 2]),
        ("list", ["1"], [1]),
        ("deep", '{"x": "1", "y": 2}', {"x": 1, "y": 2}),
        ("either", "3", "3"),
        ("either", 3, 3),
        ("maybe", None, None),
        ("maybe", "3", 3),
        ("none", None, None),
        ("odd", [1], [1]),
        ("unknown", "x", "x"),
    ],
)
def test_what_means_the_same_is_made_to_fit(name: str, given: Any, expected: Any) -> None:
    fit = fitted({"name": "x", name: given}, SCHEMA)[name]
    assert fit == expected and type(fit) is type(expected)


@pytest.mark.parametrize(
    ("name", "given", "cause"),
    [
        ("count", "three", "count has to be a whole number"),
        ("count", 1.5, "count has to be a whole number"),
        ("count", True, "count has to be a whole number"),
        ("share", "x", "share has to be a number"),
        ("name", None, "name has to be text"),
        ("name", [], "name has to be text"),
        ("sure", 1, "sure has to be true or false"),
        ("kind", 1, 'kind has to be one of "a", 2, true, null'),
        ("list", {}, "list has to be a list"),
        ("list", [1, "x"], r"list\[1\] has to be a whole number"),
        ("deep", {}, "the argument deep.x is missing"),
        ("deep", {"x": "a"}, "deep.x has to be a whole number"),
        ("either", [], "either has to be text"),
        ("maybe", "x", "maybe has to be null"),
        ("count", "[" * 100_000, "count has to be a whole number"),
    ],
)
def test_what_does_not_fit_says_why(name: str, given: Any, cause: str) -> None:
    with pytest.raises(Unfit, match=cause):
        fitted({"name": "x", name: given}, SCHEMA)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


words = st.sampled_from(
    [
        "type",
        "anyOf",
        "oneOf",
        "enum",
        "items",
        "properties",
        "required",
        "nullable",
        "additionalProperties",
    ]
)
kinds = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
schemas = st.recursive(
    json_values | kinds,
    lambda inner: st.dictionaries(words, inner) | st.lists(inner, max_size=3),
    max_leaves=8,
)
PROPERTIES: dict[str, Any] = SCHEMA["properties"]  # type: ignore[assignment]


@given(st.dictionaries(st.sampled_from(list(PROPERTIES)), json_values), schemas)
def test_any_arguments_and_any_schema_fit_or_do_not(arguments: Any, schema: Any) -> None:
    for one in (SCHEMA, {"properties": dict.fromkeys(PROPERTIES, schema), "required": schema}):
        try:
            json.dumps(fitted(arguments, one))
        except Unfit as error:
            assert "argument" in str(error)
