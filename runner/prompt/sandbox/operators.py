"""The operators of a template: what they give, what they cost, who wrote the result."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.prompt.sandbox import text
from runner.prompt.sandbox.formatting import percent
from runner.prompt.sandbox.meter import BITS, Meter, fail


def is_key(value: object) -> bool:
    """Whether a value may be looked up in a dictionary: hashing nested tuples has no bound."""
    return value is None or isinstance(value, str | int | float)


def to_text(meter: Meter, value: object) -> str:
    """What printing `value` writes. A list or dictionary printed whole is content."""
    if isinstance(value, str):
        return value
    meter.weigh(value)
    return meter.made(str(value))


def concat(meter: Meter, values: Sequence[object]) -> str:
    """`a ~ b ~ c`."""
    return meter.made(text.join([to_text(meter, value) for value in values]))


def add(meter: Meter, left: Any, right: Any) -> Any:
    """`left + right`."""
    if isinstance(left, str) and isinstance(right, str):
        meter.touch(len(left) + len(right))
        return text.join((left, right))
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        meter.spend(len(left) + len(right))
    return meter.made(left + right)


def multiply(meter: Meter, left: Any, right: Any) -> Any:
    """`left * right`; paid for before it is made."""
    if isinstance(right, str | list | tuple):
        left, right = right, left
    if isinstance(left, str | list | tuple) and isinstance(right, int):
        size = len(left) * max(right, 0)
        (meter.touch if isinstance(left, str) else meter.spend)(size)
    if isinstance(left, str):
        return text.with_mask(str.__mul__(left, right), text.mask_of(left) * right)
    return meter.made(left * right)


def power(meter: Meter, left: Any, right: Any) -> Any:
    """`left ** right`; a huge whole number is refused before it is computed."""
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > BITS:
        fail(f"computes a number of more than {BITS} bits, so it was stopped.")
    return meter.made(left**right)


def modulo(meter: Meter, left: Any, right: Any) -> Any:
    """`left % right`: a remainder, or printf-style formatting."""
    if isinstance(left, str):
        return percent(meter, left, right, to_text)
    return meter.made(left % right)


BINARY: dict[str, Callable[[Meter, Any, Any], Any]] = {
    "+": add,
    "-": lambda meter, left, right: meter.made(left - right),
    "*": multiply,
    "/": lambda meter, left, right: meter.made(left / right),
    "//": lambda meter, left, right: meter.made(left // right),
    "%": modulo,
    "**": power,
}


def contains(meter: Meter, item: Any, container: Any) -> bool:
    """`item in container`."""
    if isinstance(container, str):
        meter.search(container, str(item))
        return item in container
    if isinstance(container, Mapping):
        return is_key(item) and item in container
    if isinstance(container, list | tuple):
        meter.spend(len(container))
        return any(compare(meter, operator.eq, item, element) for element in container)
    if isinstance(container, range) and not isinstance(item, int):
        return False
    return item in container


def compare(meter: Meter, relation: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    """`left == right` and its kin."""
    if isinstance(left, str) and isinstance(right, str):
        meter.touch(min(len(left), len(right)))
    elif not (is_key(left) or is_key(right)):
        meter.weigh(left)
        meter.weigh(right)
    return bool(relation(left, right))


# Under jinja2's names for them; each is also a test (`x is eq(y)`).
COMPARISONS: dict[str, Callable[[Meter, Any, Any], bool]] = {
    name: lambda meter, left, right, relation=relation: compare(meter, relation, left, right)
    for name, relation in {
        "eq": operator.eq,
        "ne": operator.ne,
        "gt": operator.gt,
        "gteq": operator.ge,
        "lt": operator.lt,
        "lteq": operator.le,
    }.items()
} | {
    "in": contains,
    "notin": lambda meter, item, container: not contains(meter, item, container),
}


def cut(meter: Meter, value: Any, start: Any, stop: Any, step: Any) -> Any:
    """`value[start:stop:step]`."""
    where = slice(start, stop, step)
    if isinstance(value, str):
        return meter.made(text.cut(value, where))
    return meter.made(value[where])
