"""Tasks of lm-evaluation-harness: YAML that says where the rows are and, in Jinja, how each is put.

Only what is in files here is read, and nothing is run: `!function`, which names Python code, and
data sets elsewhere are refused. Templates run in the sandbox of chat templates, with its bounds.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

from runner.bench.quality.formats.harness_data import Data, data_of
from runner.bench.quality.formats.harness_row import Writer
from runner.bench.quality.formats.harness_shots import Shots, shots_of
from runner.bench.quality.task import Choice, Question, Task
from runner.errors import BadDocument, ConfigurationError
from runner.prompt import Message

SUFFIXES = (".yaml", ".yml")
LONGEST = 200_000
"""Bytes: tasks that are published have a few thousand."""

KEYS = ("task", "dataset_path", "output_type", "doc_to_text", "include", "group")
DEEPEST = 8
"""Files that include one another."""

DIGITS = ("\\d", "0-9")
REFUSED = {
    "process_results": "it scores by code of its own",
    "process_docs": "it changes its rows by code of its own; write the changed rows to a file",
    "use_prompt": "it takes its wording from promptsource; write doc_to_text instead",
}
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
    matcher = "numeric" if _extracts_numbers(asked.get("filter_list")) else "exact"
    questions = []
    for line, row in data.rows:
        text = writer.before(line, row) + shots.for_row(row) + writer.text(line, row)
        message = Message("user", text)
        expected = writer.target(line, row).strip()
        questions.append(Question(str(line), (message,), expected, matcher))
    arguments = asked.get("generation_kwargs")
    most = arguments.get("max_gen_toks") if isinstance(arguments, dict) else None
    facts: dict[str, Any] = {"asked": "as what a person says, through the model's chat template"}
    facts |= {"max_tokens": most} if isinstance(most, int) and most > 0 else {}
    facts |= {"stop": stops} if (stops := _stops(arguments)) else {}
    facts |= shots.facts
    return _task(path, asked, data, "generated", questions=tuple(questions), facts=facts)


def _text(path: Path, asked: dict[str, Any], data: Data, shots: Shots) -> Task:
    writer = Writer(path, asked)
    text = "\n\n".join(writer.target(line, row) for line, row in data.rows)
    if not text.strip():
        raise BadDocument(f"{path.name}: doc_to_target gives no text")
    return _task(path, asked, data, "perplexity", text=text)


def _stops(arguments: Any) -> list[str]:
    """Texts that end an answer. Blank ones, at which a base model's answer ends, are left out: what
    is asked in a chat may have several paragraphs, and ends by itself."""
    found = arguments.get("until") if isinstance(arguments, dict) else None
    found = found if isinstance(found, list) else [found]
    return [one for one in found if isinstance(one, str) and one.strip()]


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


def _extracts_numbers(filters: Any) -> bool:
    """Whether a filter takes numbers out of an answer: a regular expression that has digits."""
    if isinstance(filters, list):
        return any(map(_extracts_numbers, filters))
    if not isinstance(filters, dict):
        return False
    pattern = filters.get("regex_pattern")
    found = isinstance(pattern, str) and any(digits in pattern for digits in DIGITS)
    return found or _extracts_numbers(filters.get("filter"))
