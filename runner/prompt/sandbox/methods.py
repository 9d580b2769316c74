"""The methods a template may call on strings, lists and dictionaries, and no others.

Each is Python's own method of that name, except that a part of a string keeps its origin.
A method's first two arguments are the meter and the value it belongs to.
"""

import operator
from collections.abc import Callable, Collection, Iterator
from typing import Any

from runner.prompt.sandbox import text
from runner.prompt.sandbox.formatting import braces
from runner.prompt.sandbox.meter import Meter
from runner.prompt.sandbox.operators import compare, is_key, to_text

Method = Callable[..., Any]


def _reads(name: str) -> Method:
    """A method that looks at a string and gives a number or a truth."""
    native = getattr(str, name)

    def method(meter: Meter, value: str, *args: Any) -> Any:
        meter.weigh(list(args))
        meter.search(value, args[0] if args and isinstance(args[0], str) else "")
        return native(value, *args)

    return method


def _changes_case(name: str) -> Method:
    native = getattr(str, name)

    def method(meter: Meter, value: str) -> str:
        meter.touch(len(value))
        return meter.made(recased(value, native(value)))

    return method


def recased(value: str, changed: str) -> str:
    """`changed` with the origins of `value`; content if a letter became two (ß, ŉ)."""
    return text.with_mask(changed, text.mask_of(value)) if len(changed) == len(value) else changed


def strip(meter: Meter, value: str, chars: str | None = None) -> str:
    return lstrip(meter, rstrip(meter, value, chars), chars)


def lstrip(meter: Meter, value: str, chars: str | None = None) -> str:
    meter.search(value, chars or "")
    return meter.made(text.cut(value, slice(len(value) - len(str.lstrip(value, chars)), None)))


def rstrip(meter: Meter, value: str, chars: str | None = None) -> str:
    meter.search(value, chars or "")
    return meter.made(text.cut(value, slice(len(str.rstrip(value, chars)))))


def removeprefix(meter: Meter, value: str, prefix: str) -> str:
    kept = len(str.removeprefix(value, prefix))
    return meter.made(text.cut(value, slice(len(value) - kept, None)))


def removesuffix(meter: Meter, value: str, suffix: str) -> str:
    return meter.made(text.cut(value, slice(len(str.removesuffix(value, suffix)))))


def _locate(value: str, parts: list[str]) -> Iterator[str]:
    """The parts, which occur in this order in the string, cut from it with their origins."""
    end = 0
    for part in parts:
        start = str.index(value, part, end)
        end = start + len(part)
        yield text.cut(value, slice(start, end))


def _splits(name: str) -> Method:
    native = getattr(str, name)

    def method(meter: Meter, value: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
        meter.search(value, sep or "")
        most = len(value) if sep is None else 4 * str.count(value, sep)
        meter.spend(most if maxsplit < 0 else min(most, 4 * maxsplit))
        parts: list[str] = native(value, sep, maxsplit)
        if not isinstance(value, text.Text):
            return parts
        if sep is None:
            return list(_locate(value, parts))
        # Each separator between two parts is one of the parts to pass by.
        passed = [piece for part in parts for piece in (part, sep)][:-1]
        return list(_locate(value, passed))[::2]

    return method


def splitlines(meter: Meter, value: str, keepends: bool = False) -> list[str]:
    meter.spend(len(value))
    lines = str.splitlines(value, True)
    located = list(_locate(value, lines))
    if keepends:
        return located
    return [
        text.cut(line, slice(len(end)))
        for line, end in zip(located, str.splitlines(value), strict=True)
    ]


def _partitions(name: str) -> Method:
    native = getattr(str, name)

    def method(meter: Meter, value: str, sep: str) -> tuple[str, ...]:
        meter.search(value, sep)
        return tuple(_locate(value, list(native(value, sep))))

    return method


def replace(meter: Meter, value: str, old: str, new: str, count: int = -1) -> str:
    """As Python's, but an empty `old`, which would put `new` between all letters, is an error."""
    if not old:
        raise ValueError("replace() of an empty string is not supported")
    meter.search(value, old)
    found = str.count(value, old)
    found = found if count < 0 else min(found, count)
    meter.touch(len(value) + found * len(new))
    parts = _split_by(meter, value, old, found)
    return text.join(parts, new)


_split_by = _splits("split")


def join(meter: Meter, separator: str, values: Collection[str]) -> str:
    """As Python's: TypeError where a value is no string."""
    pieces = meter.listed(values)
    meter.touch(len(separator) * len(pieces))
    meter.touch(sum(map(len, pieces)))
    return text.join(pieces, separator)


def _pads(name: str) -> Method:
    """center, ljust, rjust, zfill: a string that was padded is content."""
    native = getattr(str, name)

    def method(meter: Meter, value: str, width: int = 80, *fill: str) -> str:
        meter.touch(max(width, len(value)))
        padded: str = native(value, width, *fill)
        return value if len(padded) == len(value) else padded

    return method


def format_(meter: Meter, template: str, *args: Any, **kwargs: Any) -> str:
    return braces(meter, template, args, kwargs, to_text)


STRING: dict[str, Method] = {
    **{
        name: _reads(name)
        for name in (
            *("count", "find", "rfind", "index", "rindex", "startswith", "endswith"),
            *("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isnumeric"),
            *("islower", "isspace", "istitle", "isupper"),
        )
    },
    **{
        name: _changes_case(name)
        for name in ("capitalize", "casefold", "lower", "swapcase", "title", "upper")
    },
    **{name: _pads(name) for name in ("center", "ljust", "rjust", "zfill")},
    "strip": strip,
    "lstrip": lstrip,
    "rstrip": rstrip,
    "removeprefix": removeprefix,
    "removesuffix": removesuffix,
    "split": _split_by,
    "rsplit": _splits("rsplit"),
    "splitlines": splitlines,
    "partition": _partitions("partition"),
    "rpartition": _partitions("rpartition"),
    "replace": replace,
    "join": join,
    "format": format_,
}


def get(meter: Meter, mapping: dict[Any, Any], key: object, default: object = None) -> Any:
    return mapping.get(key, default) if is_key(key) else default


def _lists(view: Callable[[dict[Any, Any]], Collection[Any]]) -> Method:
    """items, keys, values: as a list."""
    return lambda meter, mapping: meter.listed(view(mapping))


DICTIONARY: dict[str, Method] = {
    "get": get,
    "items": _lists(dict.items),
    "keys": _lists(dict.keys),
    "values": _lists(dict.values),
}


def index(meter: Meter, values: list[Any], item: object) -> int:
    """As Python's: ValueError if it is not there."""
    for position, value in enumerate(values):
        meter.spend(1)
        if compare(meter, operator.eq, value, item):
            return position
    raise ValueError("the item is not in the list")


def count(meter: Meter, values: list[Any], item: object) -> int:
    meter.spend(len(values))
    return sum(compare(meter, operator.eq, value, item) for value in values)


LIST: dict[str, Method] = {"index": index, "count": count}


def methods_of(value: object) -> dict[str, Method]:
    """The methods there are on a value of this type."""
    if isinstance(value, str):
        return STRING
    if isinstance(value, dict):
        return DICTIONARY
    return LIST if isinstance(value, list | tuple) else {}
