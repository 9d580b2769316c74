"""Templates that ask for endless time or memory end in TemplateError, and soon.

All of them run in one child process, whose memory is limited where the platform can do that.
"""

import json
import subprocess
import sys

import pytest

DOUBLED = "{%% set ns = namespace(x=%s, y=%s) %%}{%% for i in range(64) %%}%s{%% endfor %%}"
NESTED = DOUBLED % (
    "(1,)", "(1,)", "{% set ns.x = (ns.x, ns.x) %}{% set ns.y = (ns.y, ns.y) %}"
)  # fmt: skip
LONG = "{% set long = 'a' * 1000000 %}{% for i in range(100000) %}"

HOSTILE = {
    "nested loops": "{% for i in range(100000) %}" * 3 + "{% endfor %}" * 3,
    "a loop's test": "{% for i in range(100000) %}{% for j in range(100000) if false %}"
    "{% endfor %}{% endfor %}",
    "a loop's output": "{% for i in range(100000) %}" + "x" * 50_000 + "{% endfor %}",
    "a long body": "{% for i in range(100000) %}{% with %}" + "{% set x = 1 %}" * 3000
    + "{% endwith %}{% endfor %}",
    "a macro's defaults": "{% macro f(a=[" + "1," * 20_000 + "]) %}{% endmacro %}"
    "{% for i in range(100000) %}{{ f() }}{% endfor %}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a macro that calls itself twice": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}"
    "{% endif %}{% endmacro %}{{ f(45) }}",
    "a caller that calls itself": "{% macro f() %}{% call f() %}{% endcall %}{% endmacro %}"
    "{{ f() }}",
    "a range": "{{ range(10 ** 9) | list }}",
    "string times number": "{{ 'a' * 10 ** 9 }}",
    "number times string": "{{ 10 ** 9 * 'a' }}",
    "list times number": "{{ [1] * 10 ** 9 }}",
    "lists of lists": "{{ [[[1] * 1000] * 1000] * 1000 }}",
    "power": "{{ 10 ** 10 ** 8 }}",
    "power of literals": "{{ 10 ** 100000000 }}",
    "squares": "{% set ns = namespace(x=3) %}{% for i in range(64) %}"
    "{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "long digits": "{{ ('f' * 1000000) | int(base=16) }}",
    "doubling with ~": DOUBLED % ("'a'", "1", "{% set ns.x = ns.x ~ ns.x %}"),
    "doubling with +": DOUBLED % ("'a'", "1", "{% set ns.x = ns.x + ns.x %}"),
    "doubling with %": DOUBLED % ("'a'", "1", "{% set ns.x = '%s%s' % (ns.x, ns.x) %}"),
    "doubling with format": DOUBLED % ("'a'", "1", "{% set ns.x = '{0}{0}'.format(ns.x) %}"),
    "doubling with join": DOUBLED % ("'a'", "1", "{% set ns.x = [ns.x, ns.x] | join %}"),
    "doubling with replace": DOUBLED % ("'aa'", "1", "{% set ns.x = ns.x.replace('a', ns.x) %}"),
    "doubling a block": DOUBLED
    % ("'a'", "1", "{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}"),
    "doubling a list": DOUBLED % ("[1]", "1", "{% set ns.x = ns.x + ns.x %}"),
    "doubling a sum": DOUBLED % ("[1]", "1", "{% set ns.x = [ns.x, ns.x] | sum(start=[]) %}"),
    "printing a nest": NESTED + "{{ ns.x }}",
    "comparing nests": NESTED + "{{ ns.x == ns.y }}",
    "a nest in a list": NESTED + "{{ ns.x in [ns.y] }}",
    "finding a nest": NESTED + "{{ [ns.x].index(ns.y) }}",
    "testing nests": NESTED + "{{ [ns.x] | select('eq', ns.y) | list }}",
    "a nest as JSON": NESTED + "{{ ns.x | tojson }}",
    "sorting nests": NESTED + "{{ [ns.x, ns.y] | sort }}",
    "unique nests": NESTED + "{{ [ns.x, ns.y] | unique | list }}",
    "a nest as a key": NESTED + "{{ {ns.x: 1} }}",
    "a nest looked up": NESTED + "{{ {1: 1}[ns.x].y }}",
    "a nest in dict()": NESTED + "{{ dict([(ns.x, 1)]) }}",
    "a deep nest": "{% set ns = namespace(x=1) %}{% for i in range(50000) %}"
    "{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
    "a deep nest with wide indents": "{% set ns = namespace(x=[1] * 1000) %}"
    "{% for i in range(900) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson(indent=16) }}",
    "a namespace in itself": "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
    "a width for %": "{{ '%999999999d' % 1 }}",
    "a computed width for %": "{{ '%*d' % (999999999, 1) }}",
    "a precision for %": "{{ '%.999999999f' % 1.5 }}",
    "flags for %": LONG + "{% set x = ('%' ~ '0' * 1000000) % 1 %}{% endfor %}",
    "a width for the format filter": "{{ '%999999999s' | format(1) }}",
    "a width for a test": "{{ '%999999999d' is even }}",
    "a width for another test": "{{ '%999999999d' is divisibleby(2) }}",
    "a width for format()": "{{ '{:999999999}'.format(1) }}",
    "center": "{{ 'a' | center(1000000000) }}",
    "ljust": "{{ 'a'.ljust(10 ** 9) }}",
    "zfill": "{{ 'a'.zfill(10 ** 9) }}",
    "indent": "{{ 'a\nb' | indent(10 ** 9) }}",
    "JSON's indent": "{{ [1] | tojson(indent=10 ** 9) }}",
    "round": "{{ 1.5 | round(1000000000, 'ceil') }}",
    "join": "{{ range(100000) | join('a' * 100000) }}",
    "str.join": "{{ ('a' * 100000).join(['b'] * 100000) }}",
    "split": "{{ ('a,' * 8000000).split(',') | length }}",
    "split at spaces": "{{ ('a ' * 7000000).split() | length }}",
    "splitlines": "{{ ('\n' * 15000000).splitlines() | length }}",
    "replace": "{{ ('a' * 5000000).replace('a', 'b') | length }}",
    "list": "{{ ('a' * 15000000) | list | length }}",
    "title": "{{ ('a ' * 7000000) | title | length }}",
    "a date": "{{ strftime_now('%Y' * 1000000) }}",
    "searching": LONG + "{% if 'b' in long %}{% endif %}{% endfor %}",
    "finding": LONG + "{% set x = long.find('b') %}{% endfor %}",
    "finding backwards": "{{ ('a' * 1000000).rfind('ab' + 'a' * 500000) }}",
    "splitting backwards": "{{ ('a' * 1000000).rsplit('ab' + 'a' * 500000) }}",
    "stripping": "{{ ('a' * 5000000).strip('b' * 5000000 + 'a') }}",
    "upper": LONG + "{% set x = long.upper() %}{% endfor %}",
    "counting letters": LONG + "{% set x = long | float %}{% endfor %}",
    "comparing": LONG + "{% set x = long == 'a' * 1000000 %}{% endfor %}",
    "slicing": LONG + "{% set x = long[1:] %}{% endfor %}",
    "starting with one of many": "{% set many = ('b',) * 100000 %}{% for i in range(100000) %}"
    "{% set x = 'a'.startswith(many) %}{% endfor %}",
    "mapping": "{% for i in range(100000) %}{% set x = range(100000) | map('string') %}"
    "{% endfor %}",
    "getting steps back": "{{ [-10 ** 9] | map('pay for') | list }}",
    "many brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "many branches": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "many loops": "{% for i in [1] %}" * 40 + "{% endfor %}" * 40,
    "a long number": "{{ " + "9" * 5000 + " }}",
    "a long sum": "{{ " + "1 + " * 20_000 + "1 }}",
    "a long source": "a" * 1_000_000,
}  # fmt: skip

CHILD = """
import json, sys
from runner.errors import TemplateError
from runner.prompt.sandbox.environment import Program
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
except (ImportError, ValueError, OSError):
    pass  # Windows has no such limit, macOS does not always keep it
for name, source in json.load(sys.stdin).items():
    try:
        length = sum(len(words) for words, _ in Program(source).render({"messages": []}))
        print(json.dumps([name, f"rendered {length} characters"]), flush=True)
    except TemplateError as error:
        print(json.dumps([name, f"TemplateError: {error}"]), flush=True)
"""


@pytest.fixture(scope="module")
def endings() -> dict[str, str]:
    """How each of the templates ended."""
    child = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(HOSTILE),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert not child.stderr
    return dict(json.loads(line) for line in child.stdout.splitlines())


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_stopped(endings: dict[str, str], name: str) -> None:
    assert endings[name].startswith("TemplateError: The model's chat template ")
    assert "Memory" not in endings[name]
