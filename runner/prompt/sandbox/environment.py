"""The Jinja environment of chat templates: what a rewritten template runs on.

jinja2 itself parses, scopes and compiles; `rewriter.py` changes the tree in between. Arithmetic,
attributes, calls and printing have hooks of their own in jinja2's sandbox, and are ours as well.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, LoopControlExtension
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, pass_context

from runner.errors import RunnerError
from runner.prompt.sandbox import filters, operators, text
from runner.prompt.sandbox.meter import DEPTH, Meter, fail
from runner.prompt.sandbox.methods import Method, methods_of
from runner.prompt.sandbox.rewriter import (
    CHAIN,
    CONCAT,
    CUT,
    KEY,
    LITERAL,
    PAY,
    RELATION,
    Rewriter,
)

_LONGEST_SOURCE = 100_000  # characters; real templates have less than 40 000
_LONGEST_MESSAGE = 200
_METER = "the meter"  # a variable whose name no template can write

_LOOP_FACTS = frozenset(
    (
        *("index", "index0", "revindex", "revindex0", "first", "last", "length"),
        *("depth", "depth0", "previtem", "nextitem"),
    )
)


class _Bound:
    """A function or method that a template has got hold of and may call."""

    __slots__ = ("operation", "subject")

    def __init__(self, operation: Method, *subject: object) -> None:
        self.operation = operation
        self.subject = subject


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks the reply for training; here it is a scope."""

    tags = {"generation"}  # noqa: RUF012  (jinja2's own declaration)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def _meter(context: Context) -> Meter:
    meter: Meter = context.resolve_or_missing(_METER)
    return meter


def _pay(context: Context, cost: int) -> bool:
    _meter(context).spend(cost)
    return True


def _key(context: Context, value: Any) -> Any:
    if not operators.is_key(value):
        fail("uses a list as a dictionary's key.")
    return value


def _chain(context: Context, relations: list[str], *values: Any) -> bool:
    meter = _meter(context)
    return all(
        operators.COMPARISONS[relation](meter, left, right)
        for relation, left, right in zip(relations, values, values[1:], strict=False)
    )


def _metered(operation: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that takes the meter, as a filter or test of jinja2 that takes its context."""

    @pass_context
    def call(context: Context, *args: Any, **kwargs: Any) -> Any:
        meter = _meter(context)
        return meter.made(operation(meter, *args, **kwargs))

    return call


def _metered_with_context(operation: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def call(context: Context, *args: Any, **kwargs: Any) -> Any:
        meter = _meter(context)
        return meter.made(operation(meter, context, *args, **kwargs))

    return call


_REWRITTEN = {
    LITERAL: pass_context(lambda context, words: text.literal(words)),
    PAY: pass_context(_pay),
    KEY: pass_context(_key),
    CHAIN: pass_context(_chain),
    CONCAT: _metered(operators.concat),
    CUT: _metered(operators.cut),
    **{
        RELATION.format(name): _metered(relation)
        for name, relation in operators.COMPARISONS.items()
    },
}


@pass_context
def _printed(context: Context, value: object) -> str:
    """What `{{ value }}` writes, paid for a second time because it stays in the output."""
    meter = _meter(context)
    return meter.made(operators.to_text(meter, value))


class _Environment(ImmutableSandboxedEnvironment):
    """Hugging Face's settings, our operations, and nothing else to call or look at."""

    intercepted_binops = frozenset(operators.BINARY)
    concat = staticmethod(text.join)

    def __init__(self, *, as_written: bool = False) -> None:
        super().__init__(
            trim_blocks=not as_written,
            lstrip_blocks=not as_written,
            keep_trailing_newline=as_written,
            undefined=jinja2.StrictUndefined if as_written else jinja2.Undefined,
            optimized=False,
            finalize=_printed,
            extensions=[LoopControlExtension, _Generation],
        )
        self.filters = {
            **{name: _metered(operation) for name, operation in filters.PLAIN.items()},
            **{
                name: _metered_with_context(operation)
                for name, operation in filters.WITH_CONTEXT.items()
            },
            **_REWRITTEN,
        }
        self.tests = {
            **filters.TESTS,
            **{name: _metered(test) for name, test in filters.COMPUTING_TESTS.items()},
        }
        self.globals = {name: _Bound(function) for name, function in filters.FUNCTIONS.items()}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return operators.BINARY[operator](_meter(context), left, right)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What `map("upper")` calls: a name made while rendering, so not one of ours."""
        if name in _REWRITTEN:
            fail(f"uses a filter {name!r}, which there is not.")
        return super().call_filter(name, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: a method, a fact of the loop, a namespace's or dictionary's entry."""
        method = methods_of(obj).get(attribute)
        if method is not None:
            return _Bound(method, obj)
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, jinja2.Undefined):
            return obj[attribute]  # raises the error that says what is undefined
        if isinstance(obj, Namespace) and not attribute.startswith("_"):
            return getattr(obj, attribute, self.undefined(obj=obj, name=attribute))
        if isinstance(obj, LoopContext):
            if attribute in _LOOP_FACTS:
                return getattr(obj, attribute)
            if attribute == "cycle":
                return _Bound(lambda meter, loop, *args: loop.cycle(*args), obj)
        return self.undefined(obj=text.plain(obj) if isinstance(obj, str) else obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`: an element, or else the attribute of this name."""
        if not operators.is_key(argument):
            return self.undefined(f"{type(obj).__name__!r} has no such element")
        try:
            if isinstance(obj, str):
                return text.cut(obj, argument)
            if isinstance(obj, dict | list | tuple | range):
                return obj[argument]
        except (TypeError, LookupError):
            pass
        if isinstance(argument, str):
            return self.getattr(obj, text.plain(argument))
        return self.undefined(obj=obj, name=argument)

    def call(__self, __context: Context, __callee: Any, *args: Any, **kwargs: Any) -> Any:
        meter = _meter(__context)
        if isinstance(__callee, _Bound):
            # jinja2 adds the loop's variables to each call inside one.
            kwargs = {key: kwargs[key] for key in kwargs if not key.startswith("_")}
            return meter.made(__callee.operation(meter, *__callee.subject, *args, **kwargs))
        if isinstance(__callee, jinja2.Undefined):
            return __callee()  # raises the error that says what is undefined
        if not isinstance(__callee, Macro):
            fail("calls what is no function.")
        meter.depth += 1
        if meter.depth > DEPTH:
            fail(f"calls its macros more than {DEPTH} deep, so it was stopped.")
        try:
            return __context.call(__callee, *args, **kwargs)
        finally:
            meter.depth -= 1


class Program:
    """A compiled template. It may be rendered by several threads at once."""

    def __init__(self, source: str, *, as_written: bool = False) -> None:
        """Compile; raises TemplateError for a template that is malformed or uses what is refused.

        `variables` are the names it expects to be given. `as_written` keeps the white space around
        blocks and at the end, which Hugging Face's chat templates go without, and fails where
        something undefined is used, which theirs take for nothing.
        """
        if len(source) > _LONGEST_SOURCE:
            fail(f"is longer than {_LONGEST_SOURCE} characters.")
        with _explained():
            environment = _Environment(as_written=as_written)
            tree = Rewriter().visit(environment.parse(source))
            self.variables: frozenset[str] = frozenset(find_undeclared_variables(tree))
            self._template = environment.from_string(tree)

    def render(self, variables: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        """Stretches of text and whether the template wrote each; neighbours differ in that.

        Raises TemplateError when the template fails, refuses the messages or breaks its bounds.
        """
        with _explained():
            meter = Meter(_extent(list(variables.values())))
            context = self._template.new_context({**variables, _METER: meter})
            return text.runs(text.join(self._template.root_render_func(context)))


def _extent(value: object) -> int:
    """Characters and elements in a value made of strings, lists and dictionaries."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_extent, value)) + sum(map(_extent, value.values()))
    return 1 + sum(map(_extent, value)) if isinstance(value, list) else 1


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Any failure inside as a TemplateError: a template can raise whatever Python can."""
    try:
        yield
    except RunnerError:
        raise
    except jinja2.TemplateSyntaxError as error:
        fail(f"is malformed, line {error.lineno}: {error.message}")
    except RecursionError:
        fail("is nested too deeply.")
    except Exception as error:
        fail(f"failed: {str(error)[:_LONGEST_MESSAGE]}")
