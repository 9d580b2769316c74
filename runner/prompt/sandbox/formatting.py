"""Text made from values: `%`, `str.format` and JSON, within bounds and with provenance."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.prompt.sandbox import text
from runner.prompt.sandbox.meter import Meter, bounded

ToText = Callable[[Meter, object], str]

# `%(key)-5.2f`. A width of more than three digits is no format but an attack.
_PERCENT = re.compile(
    r"%(?:\((?P<key>\w*)\))?(?P<spec>[-+ #0]{0,5}\d{0,3}(?:\.\d{1,3})?)(?P<type>[sdifgGeExXoc%])|%"
)
_BRACES = re.compile(r"\{\{|\}\}|\{(?P<field>\w*)(?:!s)?(?::(?P<spec>[^{}]*))?\}|[{}]")
_LONG_NUMBER = re.compile(r"\d{4}")
_WIDEST_INDENT = 16


def percent(meter: Meter, template: str, values: Any, to_text: ToText) -> str:
    """`template % values`, for the conversions s d i f g e x o c, with widths up to 999.

    Raises TypeError or ValueError as Python's own formatting does, and for anything else.
    """
    arguments = list(values) if isinstance(values, tuple) else [values]
    position = 0

    def convert(match: re.Match[str]) -> str:
        nonlocal position
        if match["type"] is None:
            raise ValueError("unsupported format character")
        if match["type"] == "%":
            return text.cut(match.string, match.end() - 1)
        if match["key"] is not None:
            value = values[match["key"]]
        elif position < len(arguments):
            value = arguments[position]
            position += 1
        else:
            raise TypeError("not enough arguments for format string")
        if match["type"] != "s":
            return str(f"%{match['spec']}{match['type']}" % (value,))
        shown = to_text(meter, value)
        return f"%{match['spec']}s" % shown if match["spec"] else shown

    result = _substitute(meter, template, _PERCENT, convert)
    if position < len(arguments) and not isinstance(values, Mapping):
        raise TypeError("not all arguments converted during string formatting")
    return result


def braces(
    meter: Meter, template: str, args: Sequence[Any], kwargs: Mapping[str, Any], to_text: ToText
) -> str:
    """`template.format(*args, **kwargs)` with plain fields: `{}`, `{0}`, `{name}`, `{:.2f}`.

    Raises ValueError for anything else, KeyError and IndexError for a value that is not given.
    """
    automatic = 0

    def convert(match: re.Match[str]) -> str:
        nonlocal automatic
        found = match.group()
        if found in ("{{", "}}"):
            return text.cut(match.string, match.start())
        if found in ("{", "}"):
            raise ValueError(f"single {found!r} in a format string")
        field, spec = match["field"], match["spec"] or ""
        if field == "":
            field, automatic = str(automatic), automatic + 1
        value = args[int(field)] if field.isdecimal() else kwargs[field]
        if not spec:
            return to_text(meter, value)
        if _LONG_NUMBER.search(spec) or not isinstance(value, str | int | float):
            raise ValueError(f"the format {spec[:20]!r} is not supported")
        return format(value, spec)

    return _substitute(meter, template, _BRACES, convert)


def _substitute(
    meter: Meter, template: str, pattern: re.Pattern[str], convert: Callable[[re.Match[str]], str]
) -> str:
    """`template` with each match replaced; the rest keeps its origin, as do replacements."""
    meter.touch(len(template))
    pieces = []
    end = 0
    for match in pattern.finditer(template):
        meter.spend(4)
        pieces += [text.cut(template, slice(end, match.start())), meter.made(convert(match))]
        end = match.end()
    return meter.made(text.join([*pieces, text.cut(template, slice(end, None))]))


def to_json(
    meter: Meter,
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """`value | tojson` as Hugging Face defines it: not escaped for HTML, and all of it content."""
    meter.weigh(value)
    width = len(indent) if isinstance(indent, str) else bounded(indent or 0)
    if width > _WIDEST_INDENT:
        raise ValueError(f"an indent of more than {_WIDEST_INDENT} is not supported")
    encoder = json.JSONEncoder(
        ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
    return "".join(text.plain(meter.made(chunk)) for chunk in encoder.iterencode(value))
