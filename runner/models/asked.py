"""What was asked of replies, as the engine takes it. Each sampling value comes from the first that
names one: the user, the catalogue, the model's own file, the program."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import ConfigurationError
from runner.settings import BY_NAME, SAMPLERS, Settings

if TYPE_CHECKING:
    from runner.catalog import SamplingDefaults
    from runner.engine.constraint import Constraint
    from runner.engine.options import Options
    from runner.engine.sampling import Sampling
    from runner.llama.model import LlamaModel
    from runner.llama.vocabulary import Vocabulary

# Our name of a sampling value → the key under which a GGUF may recommend one.
FILE_KEYS = {
    "temperature": "temp",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold",
    "repeat_penalty": "penalty_repeat",
    "repeat_last_n": "penalty_last_n",
    "mirostat": "mirostat",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
    "samplers": "sequence",
}

# Other programs' names for samplers, without what they put between words.
ALIASES = {"typ": "typical_p", "typp": "typical_p", "typical": "typical_p", "temp": "temperature",
           "nucleus": "top_p"} | {name.replace("_", ""): name for name in SAMPLERS}  # fmt: skip

STRUCTURE = ("json_schema", "regex", "choice", "grammar")


def wanted(settings: Settings) -> "Options":
    """All but the sampling, which depends on the model. Needs no model, so that what cannot be is
    said before one is loaded: raises ConfigurationError."""
    from runner.engine.options import Options

    if settings.samplers is not None:
        order(settings.samplers)
    for text in settings.logit_bias or ():
        _bias(text)
    return Options(
        max_tokens=settings.max_tokens,
        think_tokens=settings.think_tokens,
        stop=settings.stop or (),
        constraint=_constraint(settings),
        speculate=bool(settings.speculate),
        logprobs=settings.logprobs,
        private=settings.save is False,
    )


def sampling(
    settings: Settings,
    recommended: "SamplingDefaults | None",
    model: "LlamaModel",
    remark: Callable[[str], None],
) -> "tuple[Sampling, dict[str, str]]":
    """Each sampling value, and where it was named. `remark` is told of what the model's file
    recommends and cannot be. Raises ConfigurationError."""
    from runner.engine.sampling import Sampling

    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    advised = _of_file(model, remark)
    for name in (field.name for field in fields(Sampling)):
        candidates = (
            (settings.get(name), settings.origin(name)),
            (getattr(recommended, name, None), "catalogue"),
            (advised.get(name), "model file"),
        )
        origins[name] = "drawn" if name == "seed" else "program"
        for value, origin in candidates:
            if value is not None:
                values[name], origins[name] = value, origin
                break
    if isinstance(values.get("samplers"), str):
        values["samplers"] = order(values["samplers"])
    if "logit_bias" in values:
        biases = map(_bias, values["logit_bias"])
        values["logit_bias"] = tuple(
            (_token(text, model.vocabulary), bias) for text, bias in biases
        )
    return Sampling(**values), origins


def _of_file(model: "LlamaModel", remark: Callable[[str], None]) -> dict[str, Any]:
    """What a model's own file recommends."""
    found = {}
    for name, key in FILE_KEYS.items():
        text = model.metadata(f"general.sampling.{key}")
        if text is None:
            continue
        option, where = BY_NAME[name], f"{name} in the model's file"
        try:
            value = option.checked(option.parsed(text), where)
            found[name] = order(value, where) if name == "samplers" else value
        except ConfigurationError as error:
            remark(f"not followed: {error.message}")
    return found


def order(text: str, where: str = "--samplers") -> tuple[str, ...]:
    """The samplers that a list names. Raises ConfigurationError that begins with `where`."""
    named = [name for name in re.split(r"[;,\s]+", text) if name]
    for name in named or [text]:
        if _plain(name) not in ALIASES:
            raise ConfigurationError(
                f"{where}: there is no sampler {name!r}",
                remedy=f"There are {', '.join(SAMPLERS)}.",
            )
    return tuple(ALIASES[_plain(name)] for name in named)


def _plain(name: str) -> str:
    return re.sub("[-_]", "", name.lower())


def _bias(text: str) -> tuple[str, float]:
    """A token, by number or text, and what is added to its logit; -inf forbids it."""
    token, _, bias = text.rpartition("=")
    try:
        value = float(bias)
    except ValueError:
        value = math.nan
    if not token or math.isnan(value) or value == math.inf:
        raise ConfigurationError(
            f"--logit-bias is {text!r}; it must be TOKEN=BIAS, such as 42=-1.5 or yes=2"
        )
    return token, value


def _token(text: str, vocabulary: "Vocabulary") -> int:
    if re.fullmatch("[0-9]+", text):
        return int(text)
    tokens = vocabulary.encode(text, marks=True)
    if len(tokens) != 1:
        raise ConfigurationError(
            f"--logit-bias: {text!r} is {len(tokens)} tokens of this model",
            remedy="Give the number or the text of one token.",
        )
    return tokens[0]


def _constraint(settings: Settings) -> "Constraint | None":
    given = [name for name in STRUCTURE if settings.get(name)]
    if not given:
        return None
    if len(given) > 1:
        both = " and ".join(f"{BY_NAME[name].flag} ({settings.origin(name)})" for name in given[:2])
        raise ConfigurationError(
            f"{both} both say what the answer must be", remedy="Leave one of them out."
        )
    from runner.engine.constraint import Constraint

    if settings.json_schema:
        return Constraint.json_schema(_schema(settings.json_schema))
    if settings.regex:
        return Constraint.regex(settings.regex)
    if settings.choice:
        return Constraint.choices(settings.choice)
    return Constraint(_text_of("--grammar", settings.grammar or ""))


def _schema(given: str) -> dict[str, Any]:
    """A JSON Schema, given as its text or as the name of a file."""
    inline = given.lstrip().startswith("{")
    text = given if inline else _text_of("--json-schema", given)
    try:
        schema = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        where = "--json-schema" if inline else f"--json-schema {given}"
        raise ConfigurationError(f"{where} is not JSON: {error.msg} in {place}") from error
    if not isinstance(schema, dict):
        raise ConfigurationError('--json-schema must be an object, such as {"type": "string"}')
    return schema


def _text_of(flag: str, file: str) -> str:
    path = Path(file.removeprefix("@")).expanduser()
    try:
        return path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(f"{flag} {path}: cannot be read: {reason}") from error
