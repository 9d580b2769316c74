"""Tasks of lm-evaluation-harness: YAML that says where the rows are and, in Jinja, how each is put.

Only what is in files here is read, and nothing is run: `!function`, which names Python code, and
data sets elsewhere are refused. Templates run in the sandbox of chat templates, with its bounds.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

from runner.bench.plain import to_plain
from runner.bench.quality.formats.harness_data import Data, data_of
from runner.bench.quality.formats.harness_reading import reading_of, takes_numbers
from runner.bench.quality.formats.harness_row import Writer
from runner.bench.quality.formats.harness_shots import Shots, shots_of
from runner.bench.quality.numbers import is_number
from runner.bench.quality.task import Choice, Question, Task
from runner.errors import BadDocument, ConfigurationError, RunnerError
from runner.prompt import Message
from runner.settings import BY_NAME

SUFFIXES = (".yaml", ".yml")
LONGEST = 200_000
"""Bytes: tasks that are published have a few thousand."""

KEYS = ("task", "dataset_path", "output_type", "doc_to_text", "include", "group")
DEEPEST = 8
"""Files that include one another."""

REFUSED = {
    "process_results": "it scores by code of its own",
    "process_docs": "it changes its rows by code of its own; write the changed rows to a file",
    "use_prompt": "it takes its wording from promptsource; write doc_to_text instead",
    "gen_prefix": "it begins the answer itself (gen_prefix); write that into doc_to_text",
}
DRAWN = ("temperature", "top_p", "top_k")
NORMALISERS = {"acc_norm": "per_character", "acc_bytes": "per_byte"}


def read(path: Path, text: str) -> Task | None:
    """None where the file is not YAML by name, or has none of the harness's keys. Raises
    ConfigurationError for what is refused, with the reason, and BadDocument for what is malformed,
    in this file, those it includes or its data. `sha256` is of all of them."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    asked = _loaded(path, text)
    if not isinstance(asked, dict) or not any(key in asked for key in KEYS):
        return None
    asked, included = _with_included(path, asked, (path.resolve(),))
    _check(path, asked)
    data = data_of(path, asked)
    shots = shots_of(path, asked, data)
    data = data.beside(*included, shots.digest)
    kind = asked.get("output_type", "generate_until")
    if kind not in MAKERS:
        raise _refused(path, f"its output_type {kind!r} is not one of {', '.join(MAKERS)}")
    return MAKERS[kind](path, asked, data, shots)


def parts_of(path: Path) -> set[Path]:
    """The files that a task's YAML includes or has its rows in, as far as it can be read."""
    if path.suffix.lower() not in SUFFIXES:
        return set()
    try:
        asked = _loaded(path, path.read_text("utf-8-sig"))
    except (OSError, ValueError, RunnerError):
        return set()  # whose reading tells what is wrong
    asked = asked if isinstance(asked, dict) else {}
    arguments = asked.get("dataset_kwargs")
    named = [
        asked.get("include"),
        arguments.get("data_files") if isinstance(arguments, dict) else None,
    ]
    found = set[Path]()
    while named:
        one = named.pop()
        if isinstance(one, str):
            found.add((path.parent / one).resolve())
        else:
            named += one.values() if isinstance(one, dict) else one if isinstance(one, list) else []
    return found


def _with_included(
    path: Path, asked: dict[str, Any], above: tuple[Path, ...]
) -> tuple[dict[str, Any], list[bytes]]:
    """What a file says with what those say that it includes, as the harness has it: its own words
    hold, then those of the first it names. And the bytes of the others."""
    names = asked.pop("include", None) or []
    names = names if isinstance(names, list) else [names]
    merged: dict[str, Any] = {}
    found = list[bytes]()
    for name in reversed(names):
        other = path.parent / str(name)
        if other.resolve() in above or len(above) > DEEPEST:
            raise _refused(path, f"it includes {name}, which includes it in turn")
        try:
            data = other.read_bytes()
            text = data.decode("utf-8-sig")
        except (OSError, ValueError) as error:
            raise BadDocument(f"{name}, which {path.name} includes, cannot be read") from error
        said = _loaded(other, text)
        if not isinstance(said, dict):
            raise BadDocument(f"{name}, which {path.name} includes, has no keys")
        said, more = _with_included(other, said, (*above, other.resolve()))
        merged |= said
        found += [data, *more]
    return merged | asked, found


def _loaded(path: Path, text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML's own types and no others."""

    def refuse(_: Any, node: yaml.Node) -> Any:
        line = node.start_mark.line + 1
        raise _refused(
            path, f"line {line} calls Python code (!function), which is not run", _WRITE_IT
        )

    Loader.add_constructor("!function", refuse)
    if len(text) > LONGEST:
        raise BadDocument(f"{path.name} is longer than {LONGEST} characters")
    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadDocument(f"{path.name} is not YAML: {error}") from error


_WRITE_IT = "Write what it does as a Jinja template, or its results into the data."


def _refused(path: Path, why: str, remedy: str = "") -> ConfigurationError:
    return ConfigurationError(f"{path.name}: {why}", remedy=remedy)


def _check(path: Path, asked: dict[str, Any]) -> None:
    for key, why in REFUSED.items():
        if asked.get(key):
            raise _refused(path, why)
    if isinstance(asked.get("task"), list) or "group" in asked:
        raise _refused(path, "it is a group of tasks", "Give the files of its tasks.")


def _choices(path: Path, asked: dict[str, Any], data: Data, shots: Shots) -> Task:
    writer = Writer(path, asked)
    delimiter = str(asked.get("target_delimiter", " "))
    # Spaces go to the context: what is scored begins with them, and the length is the answer's.
    spaces, separator = ("", delimiter) if delimiter.strip(" ") else (delimiter, "")
    choices = []
    for line, row in data.rows:
        put = writer.choice(line, row)
        before = writer.before(line, row) + shots.for_row(row)
        contexts = tuple(before + context + spaces for context in put.contexts)
        choices.append(Choice(str(line), contexts, put.endings, put.answer, separator))
    metrics = [one.get("metric") for one in asked.get("metric_list") or [] if isinstance(one, dict)]
    normaliser = next((NORMALISERS[name] for name in NORMALISERS if name in metrics), "sum")
    facts = shots.facts
    return _task(
        path, asked, data, "choice", normaliser=normaliser, choices=tuple(choices), facts=facts
    )


def _questions(path: Path, asked: dict[str, Any], data: Data, shots: Shots) -> Task:
    writer = Writer(path, asked)
    references = [tuple(map(str.strip, writer.references(*one))) for one in data.rows]
    is_numeric = takes_numbers(asked.get("filter_list")) and all(map(_is_one_number, references))
    reading = reading_of(path, asked, numeric=is_numeric)
    questions = []
    for (line, row), expected in zip(data.rows, references, strict=True):
        text = writer.before(line, row) + shots.for_row(row) + writer.text(line, row)
        message = Message("user", text)
        matcher = "numeric" if is_numeric else "exact" if len(expected) == 1 else "one of"
        questions.append(
            Question(str(line), (message,), "\n".join(expected), matcher, reading=reading)
        )
    facts: dict[str, Any] = {"asked": "as what a person says, through the model's chat template"}
    facts |= _generation(path, asked.get("generation_kwargs"))
    facts |= {"reading": to_plain(reading)} if reading is not None else {}
    facts |= shots.facts
    return _task(path, asked, data, "generated", questions=tuple(questions), facts=facts)


def _text(path: Path, asked: dict[str, Any], data: Data, shots: Shots) -> Task:
    writer = Writer(path, asked)
    text = "\n\n".join(writer.target(line, row) for line, row in data.rows)
    if not text.strip():
        raise BadDocument(f"{path.name}: doc_to_target gives no text")
    return _task(path, asked, data, "perplexity", text=text)


def _is_one_number(references: tuple[str, ...]) -> bool:
    """GSM8K's stands after its working."""
    final = references[0].rpartition("####")[2].strip()
    return len(references) == 1 and is_number(final.removeprefix("$").removesuffix("%"))


def _generation(path: Path, arguments: Any) -> dict[str, Any]:
    """How long an answer may be, what ends it and how it is sampled, as far as that is said.
    Raises ConfigurationError for sampling that cannot be.

    Blank texts, at which a base model's answer ends, are left out: what is asked in a chat may have
    several paragraphs, and ends by itself.
    """
    said = arguments if isinstance(arguments, dict) else {}
    most, until = said.get("max_gen_toks"), said.get("until")
    until = until if isinstance(until, list) else [until]
    stops = [one for one in until if isinstance(one, str) and one.strip()]
    drawn = {name: said[name] for name in DRAWN if said.get(name) is not None}
    if said.get("do_sample") is False:
        drawn = {"temperature": 0.0}
    sampling = {
        name: BY_NAME[name].checked(value, f"{path.name}: {name}") for name, value in drawn.items()
    }
    facts: dict[str, Any] = {"max_tokens": most} if isinstance(most, int) and most > 0 else {}
    facts |= {"stop": stops} if stops else {}
    return facts | ({"sampling": sampling} if sampling else {})


MAKERS = {
    "multiple_choice": _choices,
    "generate_until": _questions,
    "loglikelihood_rolling": _text,
}


def _task(path: Path, asked: dict[str, Any], data: Data, kind: Any, **what: Any) -> Task:
    digest = sha256(path.read_bytes())
    digest.update(data.digest)
    name = asked.get("task")
    facts = {"data": list(data.files), **what.pop("facts", {})}
    name = name if isinstance(name, str) else path.stem
    return Task(name, kind, "", digest.hexdigest(), facts=facts, **what)
