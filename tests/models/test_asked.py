"""From settings to what the engine is asked for; and what is refused before a model is loaded."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from runner import models, settings
from runner.engine.sampling import ORDER, Sampling
from runner.errors import ConfigurationError
from runner.models import asked
from runner.prompt import Message
from runner.settings import BY_NAME, OPTIONS
from tests.models.test_ready import with_metadata

PLAIN = Sampling()


def test_every_value_of_the_engine_can_be_set() -> None:
    names = {field.name for field in fields(Sampling)}
    assert names <= set(BY_NAME)
    others = {"max_tokens", "stop", "speculate"}
    in_groups = {one.name for one in OPTIONS if one.group in ("sampling", "more sampling")}
    assert in_groups == names | others


@pytest.mark.parametrize(
    "name",
    [
        field.name
        for field in fields(Sampling)
        if isinstance(getattr(PLAIN, field.name), int | float)
    ],
)
def test_the_defaults_told_are_the_engine_s(name: str) -> None:
    told = re.search(r"[\d.]+$", BY_NAME[name].default)
    assert told
    assert float(told[0]) == getattr(PLAIN, name)


def test_what_the_user_sets_arrives(tiny_path: Path) -> None:
    given: dict[str, Any] = {
        "ctx": 256,
        "temperature": 0.5,
        "repeat_last_n": -1,
        "dry_sequence_breaker": ["x", "yz"],
        "logit_bias": ["7=-2", "<think>=-inf"],
        "samplers": "typ-p; topK,temp",
        "stop": ["a", "b"],
        "think_tokens": 5,
        "logprobs": 2,
        "speculate": True,
        "choice": ["yes", "no"],
    }
    with models.ready(models.locate("tiny"), settings.load(given)) as ready:
        sampling, options = ready.sampling, ready.options
        think = ready.model.vocabulary.encode("<think>", marks=True)[0]
    assert (sampling.temperature, sampling.repeat_last_n) == (0.5, -1)
    assert sampling.dry_sequence_breaker == ("x", "yz")
    assert sampling.logit_bias == ((7, -2.0), (think, -float("inf")))
    assert sampling.samplers == ("typical_p", "top_k", "temperature")
    assert (options.stop, options.think_tokens, options.logprobs) == (("a", "b"), 5, 2)
    assert options.speculate
    assert options.constraint is not None
    assert options.constraint.gbnf == 'root ::= "yes" | "no"'
    assert ready.origins["samplers"] == "command line"
    assert ready.origins["mirostat"] == "program"


def test_a_file_recommends_what_llama_cpp_knows(tiny_path: Path, tmp_path: Path) -> None:
    advice: dict[str, Any] = {
        "temp": 0.25,
        "top_k": 12,
        "top_p": 0.5,
        "min_p": 0.125,
        "xtc_probability": 0.75,
        "xtc_threshold": 0.25,
        "penalty_last_n": 32,
        "penalty_repeat": 1.5,
        "mirostat": 2,
        "mirostat_tau": 4.0,
        "mirostat_eta": 0.5,
        "sequence": "top_k;temperature",
    }
    path = with_metadata(tiny_path, tmp_path / "advised.gguf", **advice)
    chosen = settings.load({"ctx": 256, "top_k": 3})
    with models.ready(models.locate(str(path)), chosen) as ready:
        found = {name: getattr(ready.sampling, name) for name in asked.FILE_KEYS}
        assert ready.origins["top_k"] == "command line"
        assert {ready.origins[name] for name in asked.FILE_KEYS} == {"command line", "model file"}
    assert found == {
        "temperature": 0.25,
        "top_k": 3,
        "top_p": 0.5,
        "min_p": 0.125,
        "xtc_probability": 0.75,
        "xtc_threshold": 0.25,
        "repeat_penalty": 1.5,
        "repeat_last_n": 32,
        "mirostat": 2,
        "mirostat_tau": 4.0,
        "mirostat_eta": 0.5,
        "samplers": ("top_k", "temperature"),
    }


def test_advice_that_cannot_be_is_told_and_not_followed(tiny_path: Path, tmp_path: Path) -> None:
    path = with_metadata(
        tiny_path, tmp_path / "advised.gguf", penalty_repeat=0.0, temp="hot", sequence="top_k;tip"
    )
    said: list[str] = []
    chosen = settings.load({"ctx": 256})
    with models.ready(models.locate(str(path)), chosen, remark=said.append) as ready:
        assert ready.sampling == Sampling()
    assert said == [
        "not followed: temperature in the model's file is 'hot'; it must be a number",
        "not followed: repeat_penalty in the model's file is 0.0; it must be 0.01 or more",
        "not followed: samplers in the model's file: there is no sampler 'tip'",
    ]


def test_other_names_of_samplers() -> None:
    names = "penalties;dry;top-n-sigma;topk;typ_p;nucleus;minp;XTC;temp"
    assert asked.order(names) == ORDER
    assert asked.order("temperature top_k") == ("temperature", "top_k")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"samplers": "top_k,tip"}, "--samplers: there is no sampler 'tip'"),
    ({"samplers": " "}, "there is no sampler ' '"),
    ({"logit_bias": ["seven"]}, "--logit-bias is 'seven'; it must be TOKEN=BIAS"),
    ({"logit_bias": ["=2"]}, "must be TOKEN=BIAS"),
    ({"logit_bias": ["7=nan"]}, "must be TOKEN=BIAS"),
    ({"logit_bias": ["7=inf"]}, "must be TOKEN=BIAS"),
    ({"regex": "a", "choice": ["a"]}, r"--regex \(command line\) and --choice .* both"),
    ({"regex": "(a"}, "regular expression is malformed: missing \\), .* at position 0"),
    ({"json_schema": '{"type":'}, "--json-schema is not JSON: .* in line 1, column 9"),
    ({"json_schema": "missing.json"}, "--json-schema missing.json: cannot be read: No such file"),
    ({"json_schema": "{}", "grammar": "g"}, "both say"),
    ({"grammar": "."}, r"--grammar \.: cannot be read"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_cannot_be_is_said_before_a_model_is_loaded(
    given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """The file is no model, which nobody gets as far as to find out."""
    path = tmp_path / "none.gguf"
    path.write_bytes(b"no model")
    located = models.Located(path, "none", None, None, None)
    with pytest.raises(ConfigurationError, match=message):
        models.ready(located, settings.load(given))


SWITCH = (
    "{{ messages[0]['content'] }}<think>\n{% if not enable_thinking %}\n</think>\n\n{% endif %}"
)


@pytest.mark.parametrize(("think", "opening"), [("off", "answer"), ("on", "reasoning")])
def test_reasoning_is_switched_off_by_the_template(
    tiny_path: Path, tmp_path: Path, think: str, opening: str
) -> None:
    path = with_metadata(tiny_path, tmp_path / "switch.gguf", SWITCH)
    said: list[str] = []
    chosen = settings.load({"ctx": 256, "think": think})
    with models.ready(models.locate(str(path)), chosen, remark=said.append) as ready:
        assert ready.prompt([Message("user", "hi")]).opening == opening
    assert said == []


def test_schemas_and_grammars_from_files(tmp_path: Path) -> None:
    schema, grammar = tmp_path / "schema.json", tmp_path / "answer.gbnf"
    schema.write_text('{"const": 7}', "utf-8")
    grammar.write_bytes(b'\xef\xbb\xbfroot ::= "seven"\r\n')

    def constraint(**given: str) -> str:
        found = asked.wanted(settings.load(given)).constraint
        assert found is not None
        return found.gbnf

    inline = constraint(json_schema=' {"const": 7}')
    assert constraint(json_schema=str(schema)) == constraint(json_schema=f"@{schema}") == inline
    assert constraint(grammar=str(grammar)).startswith('root ::= "seven"')
    schema.write_text("[]", "utf-8")
    with pytest.raises(ConfigurationError, match="must be an object"):
        constraint(json_schema=str(schema))
    schema.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        constraint(json_schema=str(schema))
    assert json.dumps(asked.wanted(settings.load({})).stop) == "[]"
