"""Calls as Python writes them, the way of LFM2.

    [clock(zone="UTC"), clock(zone="CET")]

They are read as syntax and never run.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterable
from typing import Any

from runner.prompt.calls.call import ToolCall, excerpt, made, malformed

SIGN = re.compile(r"(?:\[\s*)?[A-Za-z_][\w.-]*\(")

_JSON_WORDS = {"true": True, "false": False, "null": None}


def read(text: str) -> list[ToolCall]:
    """The calls, every argument given by its name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings, which Python would print
            tree = ast.parse(text.strip(), mode="eval").body
        calls = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_call(call) for call in calls]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise malformed(f"is not Python: {excerpt(text)}") from error


def write(calls: Iterable[ToolCall]) -> str:
    """The calls as a model of this kind writes them."""
    written = (
        f"{call.name}({', '.join(_argument(*one) for one in call.arguments.items())})"
        for call in calls
    )
    return f"[{', '.join(written)}]"


def _call(node: ast.expr) -> ToolCall:
    if not isinstance(node, ast.Call):
        raise malformed(f"is no call: {excerpt(ast.unparse(node))}")
    name = ast.unparse(node.func).removesuffix(".call")  # as Llama writes after <|python_tag|>
    if node.args:
        raise malformed(f"of {name!r} gives an argument without its name")
    arguments: dict[str, Any] = {}
    for keyword in node.keywords:
        value = _value(keyword.value)
        arguments |= value if keyword.arg is None else {keyword.arg: value}
    return made(name, arguments)


def _value(node: ast.expr) -> Any:
    """The value a literal stands for; JSON's words for true, false and null are ones too."""
    if isinstance(node, ast.Name) and node.id in _JSON_WORDS:
        return _JSON_WORDS[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(one) for one in node.elts]
    if isinstance(node, ast.Dict):
        return {
            _value(key): _value(value)
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        }
    return ast.literal_eval(node)


def _argument(name: str, value: Any) -> str:
    return f"{name}={_literal(value)}" if name.isidentifier() else f"**{_literal({name: value})}"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        items = (f"{_literal(str(key))}: {_literal(one)}" for key, one in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
