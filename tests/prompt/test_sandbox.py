"""What templates may use, with what Python and jinja2 make of it, and who wrote the result."""

import datetime
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.filters import do_indent

from runner.errors import TemplateError
from runner.prompt.sandbox.environment import Program
from runner.prompt.sandbox.rewriter import CHAIN, CONCAT, CUT, KEY, LITERAL, PAY, RELATION

CONTENT = "  <think>\nsay </think> it\n"


def render(source: str, **variables: Any) -> list[tuple[str, bool]]:
    return list(Program(source).render({"content": CONTENT, **variables}))


def output(source: str, **variables: Any) -> str:
    return "".join(words for words, _ in render(source, **variables))


def test_content_is_told_from_literals_through_what_templates_do_to_it() -> None:
    """Each expression, its text, and the letters of it that are the template's."""
    cases = [
        ("content | trim", "<think>\nsay </think> it", ""),
        ("content.strip()", "<think>\nsay </think> it", ""),
        ("content.rstrip('\\n')", CONTENT[:-1], ""),
        ("content.split('</think>')[-1]", " it\n", ""),
        ("'</think>' in content", "True", ""),
        ("content.strip().startswith('<think>')", "True", ""),
        ("'[' + content[2:9] + ']'", "[<think>]", "[]"),
        ("'[' ~ content[2] ~ 7 ~ ']'", "[<7]", "[]"),
        ("content is string and content is not mapping and content is iterable", "True", ""),
        ("content[-2]", "t", ""),
        ("content | length", str(len(CONTENT)), ""),
        ("content.replace('say', '<say>')[13:17]", "y> <", "y>"),
        ("content | replace('<', '(') | trim", "(think>\nsay (/think> it", "(("),
        ("(content.split() | join('|'))", "<think>|say|</think>|it", "|||"),
        ("content | upper | trim", CONTENT.strip().upper(), ""),
        ("'%s!%%' % content[2]", "<!%", "!%"),
        ("'{0}{0}{{'.format(content[2])", "<<{", "{"),
        ("'<a>' | tojson", '"<a>"', ""),
        ("{'a': '<'}", "{'a': '<'}", ""),
        ("'<a>' | list | first", "<", ""),
        ("['<a>', content[2]] | join", "<a><", "<a>"),
        ("('<a>' + content) | indent(2) | trim", "<a>  <think>\n  say </think> it", "<a>"),
        ("'<a>' if content else 'b'", "<a>", "<a>"),
    ]
    for expression, expected, written in cases:
        pieces = render("{{ " + expression + " }}")
        assert "".join(words for words, _ in pieces) == expected, expression
        assert "".join(words for words, ours in pieces if ours) == written, expression


def test_macros_blocks_and_namespaces_keep_origins() -> None:
    source = """
{%- macro wrapped(words) %}<b>{{ words }}</b>{% endmacro %}
{%- set ns = namespace(all='') %}
{%- for word in content.split() %}{% set ns.all = ns.all + wrapped(word) %}{% endfor %}
{%- set block %}({{ ns.all }}){% endset %}
{%- filter upper %}{{ block }}{% endfilter %}
{%- macro calling() %}<b>{{ caller() }}</b>{% endmacro %}
{%- call calling() %}x{% endcall %}"""
    assert render(source, content="a </b>") == [
        ("(<B>", True), ("A", False), ("</B><B>", True), ("</B>", False), ("</B>)<b>x</b>", True),
    ]  # fmt: skip


def test_expressions_give_what_jinja_gives() -> None:
    cases = {
        "1 + 2 * 3 // 2 - 4 % 3": "3",
        "7 / 2": "3.5",
        "2 ** 10": "1024",
        "-3 | abs": "3",
        "'ab' * 3": "ababab",
        "2 * 'ab'": "abab",
        "[1] + [2] * 2": "[1, 2, 2]",
        "1 < 2 < 3": "True",
        "3 > 2 > 5": "False",
        "'a' in ['a', 'b'] and 'c' not in ['a', 'b']": "True",
        "'k' in {'k': 1}": "True",
        "2 in range(3)": "True",
        "range(2, 8, 3) | list": "[2, 5]",
        "[3, 1, 2] | sort": "[1, 2, 3]",
        "['b', 'A'] | sort | join(',')": "A,b",
        "{'b': 1, 'a': 2} | dictsort": "[('a', 2), ('b', 1)]",
        "{'a': 1}.items() | list": "[('a', 1)]",
        "{'a': 1} | items | list": "[('a', 1)]",
        "{'a': 1}.get('b', 'no')": "no",
        "dict(a=1)['a']": "1",
        "[{'n': 1}, {'n': 2}] | map(attribute='n') | list": "[1, 2]",
        "['a', 'b'] | map('upper') | join": "AB",
        "[{'n': 1}, {'n': 2}] | selectattr('n', 'equalto', 2) | list": "[{'n': 2}]",
        "[1, 2, 3] | reject('odd') | list": "[2]",
        "[1, 1, 2] | unique | list": "[1, 2]",
        "[1, 2] | sum": "3",
        "[1, 2] | first": "1",
        "[1, 2] | last": "2",
        "[1, 5, 2] | max": "5",
        "'12' | int + 1": "13",
        "'1.5' | float": "1.5",
        "2.567 | round(1)": "2.6",
        "7 | round": "7",
        "2.51 | round(1, 'floor')": "2.5",
        "'x' | default('y')": "x",
        "nothing | default('y')": "y",
        "'' | default('y', true)": "y",
        "'a b' | title": "A B",
        "[1, 2] | reverse | list": "[2, 1]",
        "'abc'[::-1]": "cba",
        "'abc' | reverse": "cba",
        "'%5.1f|%-4s|%03d|%%|%x' % (2.25, 'a', 7, 255)": "  2.2|a   |007|%|ff",
        "'%(a)s' % {'a': 1}": "1",
        "'{:>4}|{a:.2f}'.format('x', a=1)": "   x|1.00",
        "none is none and nothing is undefined and 1 is number": "True",
        "'x' is eq('x') and 4 is divisibleby(2) and 3 is odd and 2 is even": "True",
        "[1] is sequence and {} is mapping and true is boolean": "True",
        "'a,b,c'.rsplit(',', 1)": "['a,b', 'c']",
        "['a', 'b'].index('b')": "1",
        "'a' if false": "",
        "nothing": "",
        "none": "None",
    }
    for expression, expected in cases.items():
        assert output("{{ " + expression + " }}") == expected, expression


def test_statements_give_what_jinja_gives() -> None:
    cases = {
        "{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}": "13",
        "{% for x in range(9) %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}": "01",
        "{% for x in [] %}{% else %}none{% endfor %}": "none",
        "{% for x in [1, 2, 3] if x != 2 %}{{ loop.index }}{{ x }} {% endfor %}": "11 23 ",
        "{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}": "a1",
        "{% for x in 'ab' %}{{ loop.first }}{{ loop.last }}{{ loop.length }}{% endfor %}": (
            "TrueFalse2FalseTrue2"
        ),
        "{% for x in 'ab' %}{{ loop.previtem }}{{ x }}{{ loop.cycle('-', '+') }}{% endfor %}": (
            "a-ab+"
        ),
        "{% set x = 1 %}{% for y in [1] %}{% set x = 2 %}{% endfor %}{{ x }}": "1",
        "{% set a, b = [1, 2] %}{{ b }}{{ a }}": "21",
        "{% with x = 5 %}{{ x }}{% endwith %}{{ x }}": "5",
        "{% macro f(a, b='d') %}{{ a }}{{ b }}{% endmacro %}{{ f('x') }}{{ f(b=1, a=2) }}": "xd21",
        "{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}in{% endcall %}": "[in]",
        "{% generation %}{% set x = 1 %}{{ x }}{% endgeneration %}{{ x }}": "1",
        "a\n  {% if true %}\nb\n  {% endif %}\nc\n": "a\nb\nc",
        "{%- if 1 -%} a {%- elif 2 -%} b {%- else -%} c {%- endif -%}": "a",
    }
    for source, expected in cases.items():
        assert output(source) == expected, source


@given(st.text("a \n", max_size=9), st.integers(0, 4) | st.just("> "), st.booleans(), st.booleans())
def test_indenting_is_jinjas(value: str, width: int | str, first: bool, blank: bool) -> None:
    expected = do_indent(value, width, first, blank)
    shown = output("{{ v | indent(w, f, b) }}", v=value, w=width, f=first, b=blank)
    assert shown == expected


def test_json_is_hugging_faces() -> None:
    assert output("{{ value | tojson }}", value={"a": "é<'&>", "b": [1, None]}) == (
        '{"a": "é<\'&>", "b": [1, null]}'
    )
    assert output("{{ value | tojson(indent=2) }}", value={"a": 1}) == '{\n  "a": 1\n}'
    assert output("{{ value | tojson(sort_keys=true) }}", value={"b": 1, "a": 2}) == (
        '{"a": 2, "b": 1}'
    )
    assert render("{{ '<' ~ (value | tojson) }}", value="</think>") == [
        ("<", True),
        ('"</think>"', False),
    ]


def test_today_is_the_templates_own_word() -> None:
    [(today, written)] = render("{{ strftime_now('%Y-%m-%d') }}")
    assert datetime.date.fromisoformat(today) and written
    [(_, written)] = render("{{ strftime_now(content) }}", content="%Y")
    assert not written


def test_a_refusal_is_in_the_templates_own_words() -> None:
    with pytest.raises(TemplateError, match="Only one system message, please"):
        output("{{ raise_exception('Only one system message, ' ~ 'please') }}")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("{% if %}", "malformed, line 1"),
        ("\n{{ 'a' | nonsense }}", "line 2: No filter named 'nonsense'"),
        ("{{ 1 is nonsense }}", "No test named 'nonsense'"),
        ("{{ nothing.at_all }}", "'nothing' is undefined"),
        ("{{ nothing() }}", "'nothing' is undefined"),
        ("{{ 'a' + 1 }}", "can only concatenate"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ content() }}", "calls what is no function"),
        ("{{ content.upper }}", "prints or compares"),
        ("{{ {[]: 1} }}", "list as a dictionary's key"),
        ("{{ {}['a' * 1000].b }}", "has no attribute 'a{80,200}$"),
        ("{{ '%s' % () }}", "not enough arguments"),
        ("{{ '%s' % (1, 2) }}", "not all arguments"),
        ("{{ '%y' % 1 }}", "unsupported format"),
        ("{{ '{'.format() }}", "format string"),
        ("{{ '{0.x}'.format(1) }}", "format string"),
        ("{{ [1, none] | sort }}", "not supported between"),
        ("{% for x in [1] recursive %}{% endfor %}", "recursive loop"),
        ("{{ range(*[1, 2]) }}", "with a star"),
        ("{% include 'other' %}", "'include'"),
        ("{% extends 'other' %}", "'extends'"),
        ("{% import 'other' as x %}", "'import'"),
        ("{% block b %}{% endblock %}", "'block'"),
        ("{% autoescape true %}{% endautoescape %}", "'scopedevalcontextmodifier'"),
    ],
)
def test_what_fails_or_is_not_supported_says_so(source: str, cause: str) -> None:
    with pytest.raises(TemplateError, match=cause) as error:
        output(source)
    assert error.value.remedy


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__",
        "''['__class__']",
        "[].append",
        "{}.update",
        "{}['pop']",
        "content.encode",
        "content.format_map",
        "range.__globals__",
        "raise_exception.operation",
        "content.upper.subject",
        "namespace()['__init__']",
        "namespace()._Namespace__attrs",
        "self.blocks",
        "self['__context']",
        "caller",
        "lipsum",
        "cycler",
    ],
)
def test_nothing_else_can_be_reached(expression: str) -> None:
    assert output("{{ (" + expression + ") is undefined }}") == "True"


def test_a_template_cannot_call_the_operations_it_was_rewritten_into() -> None:
    """Their names cannot be written as a filter, and `map`, which takes any name, refuses them."""
    names = [LITERAL, PAY, CONCAT, CUT, KEY, CHAIN, RELATION.format("eq")]
    for name in names:
        with pytest.raises(TemplateError, match="malformed"):
            output("{{ 'x' | " + name + " }}")
        with pytest.raises(TemplateError, match="which there is not"):
            output("{{ ['x'] | map(name) | list }}", name=name)


def test_a_program_can_be_rendered_again() -> None:
    program = Program("{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{{ word }}")
    for word in ("a", "b"):
        assert "".join(words for words, _ in program.render({"word": word})) == f"1{word}"


def test_jinja_is_imported_only_for_a_template() -> None:
    check = "import sys, runner.prompt; sys.exit('jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
