"""Answers held to a grammar, a schema, choices or a pattern; and what cannot be one."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.engine.constraint import Constraint
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import ConfigurationError, RunnerError
from runner.fit import Placement
from runner.llama.grammar import Grammar
from runner.prompt import ChatTemplate, Message, Prompt

WILD = Sampling(temperature=2.0, top_k=0, top_p=1, min_p=0, seed=5)


@pytest.fixture(scope="module")
def model(tiny_path: Path) -> Iterator[Model]:
    with Model.open(tiny_path, Placement(2048, 0, None, 1, "f16")) as model:
        yield model


def answer(model: Model, constraint: Constraint, sampling: Sampling = WILD) -> str:
    options = Options(sampling=sampling, max_tokens=300, constraint=constraint)
    return "".join(event.text for event in model.generate(Prompt.raw("1 2 3"), options))


def test_a_json_schema(model: Model) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"enum": ["Anna", "Bo"]},
            "ages": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        },
        "required": ["name", "ages"],
    }
    made = json.loads(answer(model, Constraint.json_schema(schema)))
    assert made["name"] in ("Anna", "Bo")
    assert all(isinstance(age, int) for age in made["ages"])


def test_choices(model: Model) -> None:
    texts = ['say "yes"', "nö", "a\nb", "\b\f\x1b\\"]
    assert answer(model, Constraint.choices(texts)) in texts
    assert answer(model, Constraint.choices(texts[3:])) == texts[3]


FILTERS: list[dict[str, object]] = [
    {"typical_p": 0.5},
    {"top_n_sigma": 1.0},
    {"xtc_probability": 1.0, "xtc_threshold": 0.01},
    {"repeat_penalty": 2.0, "dry_multiplier": 2.0},
    {"mirostat": 1},
    {"mirostat": 2},
    {"adaptive_target": 0.2},
    {"temperature": 0.0, "mirostat": 2},
    {"dynatemp_range": 3.0},
]


@pytest.mark.parametrize("change", FILTERS, ids=lambda change: "+".join(change))
def test_every_sampler_stays_within_it(model: Model, change: dict[str, object]) -> None:
    sampling = replace(WILD, **change)  # type: ignore[arg-type]
    assert re.fullmatch("[xyz]{9}", answer(model, Constraint.regex("[xyz]{9}"), sampling))


@pytest.mark.parametrize(
    "pattern", [r"\d{4}-\d\d-\d\d", r"(ja|nein)!?", r"[^a-z\s]{2,5}x*?", r"a.c", r"^[\w]+\.$"]
)
def test_patterns(model: Model, pattern: str) -> None:
    assert re.fullmatch(pattern, answer(model, Constraint.regex(pattern)))


def test_the_reasoning_before_it_is_free(model: Model) -> None:
    vocabulary = model.vocabulary
    bos = vocabulary.piece(vocabulary.bos).decode()
    eos = vocabulary.piece(vocabulary.eos).decode()
    template = ChatTemplate(model.template_source, bos=bos, eos=eos, marks=None, fold_system=False)
    prompt = template.render([Message("user", "What is 12 + 30?")])
    options = Options(
        sampling=Sampling(temperature=0), constraint=Constraint.regex("the answer is [0-9]+")
    )
    said = {"reasoning": "", "answer": ""}
    for event in model.generate(prompt, options):
        said[event.kind] += event.text
    assert "\n" in said["reasoning"]
    assert re.fullmatch("the answer is [0-9]+", said["answer"])


def test_a_malformed_grammar_is_an_error_that_names_the_place(model: Model) -> None:
    with pytest.raises(
        ConfigurationError, match=r"expecting newline or end in line 1, column 14 \(@oops\)"
    ):
        answer(model, Constraint('root ::= "a" @oops'))
    assert answer(model, Constraint.choices(["still here"])) == "still here"


MALFORMED = [
    ("", "is empty"),
    (" \n", "is empty"),
    ("# nothing\n", "no rule named root"),
    ('start ::= "a"', "no rule named root"),
    ('root ::= "a\0"', r"NUL character in line 1, column 12"),
    ('root ::= root "a" | "b"', "begins with itself"),
    ('root ::= "a" "b', r"not closed in line 1, column 16"),
    ('root ::= "ä"\n\n  @ at x\nfoo', r"expecting name in line 3, column 3 \(@ at x\)"),
    ('root ::= "\\q"', r"unknown escape in line 1, column 11"),
    ('root ::= "word" [w\\]ord] # word\nb ::= word{2,3} "x"', r"'word', used in line 2, column 7"),
    ('root ::= word* "x"', r"'word', used in line 1, column 10"),
    ('root ::= "a"{99999999999999999999}', "number is too large"),
]


@pytest.mark.parametrize(("gbnf", "said"), MALFORMED)
def test_the_place_is_named_before_there_is_a_model(gbnf: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Constraint(gbnf)


def test_a_token_that_the_model_has_not(model: Model) -> None:
    assert answer(model, Constraint('root ::= "7" <think>')).startswith("7")
    with pytest.raises(ConfigurationError, match=r"<sulk> is not one token .* column 10"):
        answer(model, Constraint("root ::= <sulk>"))


def test_where_nothing_can_follow_only_that_reply_fails(model: Model) -> None:
    with model.generate(Prompt.raw("on"), Options(sampling=WILD, ignore_end=True)) as other:
        next(other)
        with pytest.raises(RunnerError, match="no token may come next"):
            answer(model, Constraint('root ::= "ab" <[99999999]>'))
        next(other)
    forbidden = tuple((token, -math.inf) for token in range(model.vocabulary.size))
    with pytest.raises(RunnerError, match="no token may come next"):
        answer(model, Constraint.choices(["a"]), replace(WILD, logit_bias=forbidden))
    assert answer(model, Constraint.choices(["still here"])) == "still here"


def test_one_that_never_ends_goes_on_to_the_limit(model: Model) -> None:
    options = Options(constraint=Constraint('root ::= "ab" root'), max_tokens=30, sampling=WILD)
    stream = model.generate(Prompt.raw("1"), options)
    assert re.fullmatch("(ab)*a?", "".join(event.text for event in stream))
    assert stream.finish.reason == "length"


def test_an_empty_rule_is_an_empty_answer(model: Model) -> None:
    assert answer(model, Constraint("root ::= ")) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a(?=b)",
        r"\bword\b",
        r"(a)\1",
        "(?i)a",
        "(?i:a)",
        "a^b",
        "^a|b$",
        "a{,2001}",
        r"[^\s\S]",
    ],
)
def test_patterns_that_no_grammar_can_say(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="regular expression"):
        Constraint.regex(pattern)


def test_no_choices() -> None:
    with pytest.raises(ConfigurationError, match="choices"):
        Constraint.choices([])


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]", r"\d", ".", "ab", r"\."]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,2}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(pattern=PATTERNS, text=st.text("ab1.\n", max_size=6))
def test_a_grammar_takes_what_its_pattern_matches(model: Model, pattern: str, text: str) -> None:
    """Letter by letter: what matches is taken and may end, what does not cannot end."""
    grammar = Grammar(model.vocabulary, Constraint.regex(pattern).gbnf)
    taken = True
    for token in model.vocabulary.encode(text, marks=False):
        taken = taken and grammar.allows(token)
        if taken:
            grammar.accept(token)
    ends = taken and grammar.allows(model.vocabulary.eos)
    grammar.close()
    assert ends == bool(re.fullmatch(pattern, text))
