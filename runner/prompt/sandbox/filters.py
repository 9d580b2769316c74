"""The filters, tests and functions a template may use, and no others.

Those that make or cut text are ours, because they keep provenance; those that choose among values
are jinja2's own, paid for before they run. A filter's first two arguments are the meter and the
value; filters that call others by name are given jinja2's context as well.
"""

import datetime
import functools
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NoReturn

from jinja2 import Undefined
from jinja2 import filters as jinja
from jinja2 import tests as jinja_tests
from jinja2.runtime import Context
from jinja2.utils import Namespace

from runner.errors import TemplateError
from runner.prompt.sandbox import methods, text
from runner.prompt.sandbox.formatting import percent, to_json
from runner.prompt.sandbox.meter import Meter, fail
from runner.prompt.sandbox.operators import COMPARISONS, add, modulo, to_text

Operation = Callable[..., Any]
_LONGEST_RANGE = 100_000
_LONGEST_DATE_FORMAT = 200
_LONGEST_REFUSAL = 1000


def _on_text(name: str) -> Operation:
    """A string method as a filter: other values are turned into text first."""
    method = methods.STRING[name]
    return lambda meter, value, *args, **kwargs: method(
        meter, to_text(meter, value), *args, **kwargs
    )


def title(meter: Meter, value: object) -> str:
    shown = to_text(meter, value)
    meter.spend(len(shown))
    return meter.made(methods.recased(shown, jinja.do_title(text.plain(shown))))


def replace(meter: Meter, value: object, old: object, new: object, count: int | None = None) -> str:
    whole, part, other = (to_text(meter, piece) for piece in (value, old, new))
    return methods.replace(meter, whole, part, other, -1 if count is None else count)


def format_(meter: Meter, value: object, *args: object, **kwargs: object) -> str:
    return percent(meter, to_text(meter, value), kwargs or args, to_text)


def indent(
    meter: Meter, value: str, width: int | str = 4, first: bool = False, blank: bool = False
) -> str:
    """Each line but the first (unless `first`) and the blank ones (unless `blank`) moved right."""
    margin = width if isinstance(width, str) else methods.STRING["ljust"](meter, "", width)
    lines = methods.splitlines(meter, text.join((value, "\n")))
    meter.touch(len(margin) * len(lines))
    moved = [
        text.join((margin, line)) if ((line or blank) if number else first) else line
        for number, line in enumerate(lines)
    ]
    return meter.made(text.join(moved, "\n"))


def round_(meter: Meter, value: float, precision: int = 0, method: str = "common") -> Any:
    if not 0 <= precision <= 20:
        raise ValueError("a precision of more than 20 digits is not supported")
    if method == "common":
        return round(value, precision)
    scale = 10**precision
    return (math.ceil if method == "ceil" else math.floor)(value * scale) / scale


def items(meter: Meter, value: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return [] if isinstance(value, Undefined) else list(value.items())


def reverse(meter: Meter, value: Any) -> Any:
    if isinstance(value, str):
        return text.cut(value, slice(None, None, -1))
    return meter.listed(value)[::-1]


def default(meter: Meter, value: Any, otherwise: Any = "", boolean: bool = False) -> Any:
    return otherwise if isinstance(value, Undefined) or (boolean and not value) else value


def join(meter: Meter, context: Context, value: Any, d: object = "", attribute: Any = None) -> str:
    chosen = _attribute(meter, context, value, attribute)
    pieces = [to_text(meter, piece) for piece in chosen]
    return methods.join(meter, to_text(meter, d), pieces)


def sum_(meter: Meter, context: Context, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    chosen = _attribute(meter, context, value, attribute)
    return functools.reduce(functools.partial(add, meter), chosen, start)


def _attribute(meter: Meter, context: Context, value: Collection[Any], attribute: Any) -> list[Any]:
    """The elements, or this attribute of each."""
    elements = meter.listed(value)
    if attribute is None:
        return elements
    meter.weigh(attribute)
    return [jinja.make_attrgetter(context.environment, attribute)(element) for element in elements]


def _jinjas(native: Operation, passes: str = "", *, walks: bool = False) -> Operation:
    """One of jinja2's own filters, with a result that is an iterator made a list.

    `passes`: what it takes before the value, "context" or "environment".
    `walks`: it compares or hashes all it is given, so that is weighed first.
    """

    def operation(meter: Meter, context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        meter.weigh([list(args), kwargs])
        if walks or isinstance(value, str):
            meter.weigh(value)
        before = [context] if passes == "context" else [context.environment] if passes else []
        result = native(*before, value, *args, **kwargs)
        return list(_paid(meter, result)) if isinstance(result, Iterator) else result

    return operation


def _paid(meter: Meter, values: Iterator[Any]) -> Iterator[Any]:
    for value in values:
        meter.spend(4)
        yield value


# Filters that need no more than the meter and their arguments.
PLAIN: dict[str, Operation] = {
    "abs": lambda meter, value: abs(value),
    "capitalize": _on_text("capitalize"),
    "center": _on_text("center"),
    "count": lambda meter, value: len(value),
    "d": default,
    "default": default,
    "format": format_,
    "indent": indent,
    "items": items,
    "length": lambda meter, value: len(value),
    "list": Meter.listed,
    "lower": _on_text("lower"),
    "replace": replace,
    "reverse": reverse,
    "round": round_,
    # Nothing is escaped here, so nothing needs to be marked as safe.
    "safe": to_text,
    "string": to_text,
    "title": title,
    "tojson": to_json,
    "trim": _on_text("strip"),
    "upper": _on_text("upper"),
}

# Filters that look up attributes or call other filters, and so take jinja2's context too.
WITH_CONTEXT: dict[str, Operation] = {
    "dictsort": _jinjas(jinja.do_dictsort, walks=True),
    "first": _jinjas(jinja.sync_do_first, "environment"),
    "float": _jinjas(jinja.do_float),
    "int": _jinjas(jinja.do_int),
    "join": join,
    "last": _jinjas(jinja.do_last, "environment"),
    "map": _jinjas(jinja.sync_do_map, "context"),
    "max": _jinjas(jinja.do_max, "environment", walks=True),
    "min": _jinjas(jinja.do_min, "environment", walks=True),
    "reject": _jinjas(jinja.sync_do_reject, "context"),
    "rejectattr": _jinjas(jinja.sync_do_rejectattr, "context"),
    "select": _jinjas(jinja.sync_do_select, "context"),
    "selectattr": _jinjas(jinja.sync_do_selectattr, "context"),
    "sort": _jinjas(jinja.do_sort, "environment", walks=True),
    "sum": sum_,
    "unique": _jinjas(jinja.sync_do_unique, "environment", walks=True),
}

# Tests that look at no more than a value's type, or at one number or name.
TESTS: dict[str, Any] = {
    name: jinja_tests.TESTS[name]
    for name in (
        *("boolean", "false", "float", "integer", "none", "number", "string", "true"),
        *("iterable", "mapping", "sequence", "defined", "undefined"),
        "sameas",
    )
}

# Tests that compute: the operators under all their names. (`%` formats, if it is given text.)
COMPUTING_TESTS: dict[str, Operation] = {
    name: COMPARISONS[relation]
    for relation, names in {
        "eq": "eq == equalto",
        "ne": "ne !=",
        "gt": "gt > greaterthan",
        "gteq": "ge >=",
        "lt": "lt < lessthan",
        "lteq": "le <=",
        "in": "in",
    }.items()
    for name in names.split()
}
COMPUTING_TESTS |= {
    "divisibleby": lambda meter, value, number: modulo(meter, value, number) == 0,
    "even": lambda meter, value: modulo(meter, value, 2) == 0,
    "odd": lambda meter, value: modulo(meter, value, 2) == 1,
}


def raise_exception(meter: Meter, message: object = "") -> NoReturn:
    """How a template refuses a conversation, in its own words."""
    words = text.plain(to_text(meter, message))[:_LONGEST_REFUSAL]
    raise TemplateError(f"The model's chat template says: {words}")


def strftime_now(meter: Meter, pattern: str) -> str:
    """Today's date or time; the template's own words if the pattern is."""
    if len(pattern) > _LONGEST_DATE_FORMAT:
        raise ValueError(f"a date format of more than {_LONGEST_DATE_FORMAT} characters")
    now = datetime.datetime.now().strftime(text.plain(pattern))
    return text.literal(now) if all(text.mask_of(pattern)) else now


def range_(meter: Meter, *bounds: int) -> range:
    """As Python's, up to 100 000 numbers."""
    numbers = range(*bounds)
    if len(numbers) > _LONGEST_RANGE:
        fail(f"counts further than {_LONGEST_RANGE}, so it was stopped.")
    return numbers


def dict_(meter: Meter, *args: Any, **kwargs: Any) -> dict[str, Any]:
    meter.weigh(list(args))
    return dict(*args, **kwargs)


def namespace(meter: Meter, *args: Any, **kwargs: Any) -> Namespace:
    return Namespace(dict_(meter, *args, **kwargs))


FUNCTIONS: dict[str, Operation] = {
    "dict": dict_,
    "namespace": namespace,
    "raise_exception": raise_exception,
    "range": range_,
    "strftime_now": strftime_now,
}
