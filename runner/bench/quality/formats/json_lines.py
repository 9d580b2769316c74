"""Published multiple choice, as lines of JSON or a JSON list: ARC, MMLU, HellaSwag, WinoGrande and
TruthfulQA (one right answer of several). The keys of the first question tell which it is.

Each is asked as its makers, or lm-evaluation-harness, ask it without worked examples.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.bench.quality.formats import winogrande
from runner.bench.quality.formats.multiple import LETTERS_FORM, Row, lettered, spoken
from runner.bench.quality.formats.questions import rows_of
from runner.bench.quality.task import Choice, Task
from runner.errors import BadDocument

Json = Mapping[str, Any]
ARC_FORM = "Question: {}\nAnswer:"
TRUTH_FORM = "Q: {}\nA:"


def read(path: Path, text: str) -> Task | None:
    """None where the first question is of none of these forms. Raises BadDocument with the line
    where a later one is not as the first, or something of one is missing."""
    rows = rows_of(path, text)
    if not rows:
        return None
    first = rows[0][1]
    form = next((form for keys, form in FORMS if all(key in first for key in keys)), None)
    return None if form is None else form(path, rows)


def _arc_or_mmlu(path: Path, rows: Sequence[tuple[int, Json]]) -> Task:
    is_arc = "answerKey" in rows[0][1]
    found = [_made(path, line, _arc if is_arc else _mmlu, row) for line, row in rows]
    if is_arc:
        return _task(path, spoken(path, found, ARC_FORM), "per_character", ARC_FORM)
    return _task(path, lettered(path, found), "sum", LETTERS_FORM)


def _arc(line: int, row: Json) -> Row:
    question, choices = row["question"], row.get("choices", ())
    if isinstance(question, dict):
        choices, question = question["choices"], question["stem"]
    if isinstance(choices, dict):
        labels, texts = choices["label"], choices["text"]
    else:
        labels, texts = ([one[key] for one in choices] for key in ("label", "text"))
    if len(labels) != len(texts):
        raise ValueError("there are not as many labels as answers")
    answers = tuple(map(_text, texts))
    return Row(line, _id(line, row), _text(question), answers, row["answerKey"], tuple(labels))


def _mmlu(line: int, row: Json) -> Row:
    right = row["answer"]
    if isinstance(right, bool) or not isinstance(right, str | int):
        raise ValueError("the right answer is neither text nor a number")
    answers = tuple(map(_text, _list(row["choices"])))
    return Row(line, _id(line, row), _text(row["question"]), answers, right)


def _hellaswag(path: Path, rows: Sequence[tuple[int, Json]]) -> Task:
    found = [_made(path, line, _swag, row) for line, row in rows]
    return _task(path, spoken(path, found, "{}"), "per_character", "context and its ending")


def _swag(line: int, row: Json) -> Row:
    context = row.get("ctx")
    if "ctx_a" in row:  # as the harness has it: the second part begins the sentence to be ended
        context = f"{_text(row['ctx_a'])} {_text(row.get('ctx_b', '')).capitalize()}"
    if activity := row.get("activity_label"):
        context = f"{activity}: {_text(context)}"
    if str(row["label"]).strip() == "":
        raise ValueError("the right ending is not given: this may be a test split")
    endings = tuple(_swept(_text(ending)) for ending in _list(row["endings"]))
    return Row(line, _id(line, row), _swept(_text(context)), endings, int(row["label"]))


def _swept(text: str) -> str:
    """Without WikiHow's marks, which the harness takes out too."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[[^\]]*\]", "", text).replace("  ", " ").strip()


def _winogrande(path: Path, rows: Sequence[tuple[int, Json]]) -> Task:
    def made(line: int, row: Json) -> Choice:
        words = (_text(row["option1"]), _text(row["option2"]))
        right = str(row["answer"])
        return winogrande.choice(path, line, _id(line, row), _text(row["sentence"]), words, right)

    choices = tuple(_made(path, line, made, row) for line, row in rows)
    return _task(path, choices, "sum", "the rest of the sentence after either word")


def _truthful(path: Path, rows: Sequence[tuple[int, Json]]) -> Task:
    found = [_made(path, line, _mc1, row) for line, row in rows]
    form = f"{TRUTH_FORM}, without the six questions that the published figures have before it"
    return _task(path, spoken(path, found, TRUTH_FORM), "sum", form)


def _mc1(line: int, row: Json) -> Row:
    targets = row["mc1_targets"]
    if "choices" in targets and "labels" in targets:
        answers, marks = _list(targets["choices"]), _list(targets["labels"])
    else:  # as the paper's own file has it
        answers, marks = list(targets), list(targets.values())
    if len(answers) != len(marks) or marks.count(1) != 1:
        raise ValueError("not one answer is marked as the right one")
    texts = tuple(map(_text, answers))
    return Row(line, _id(line, row), _text(row["question"]), texts, marks.index(1))


FORMS = (
    (("question", "mc1_targets"), _truthful),
    (("endings", "label"), _hellaswag),
    (("sentence", "option1", "option2"), _winogrande),
    (("question", "answerKey"), _arc_or_mmlu),
    (("question", "choices", "answer"), _arc_or_mmlu),
)


def _task(path: Path, choices: tuple[Choice, ...], normaliser: str, asked: str) -> Task:
    facts = {"asked": asked}
    return Task(path.stem, "choice", "", "", normaliser=normaliser, choices=choices, facts=facts)


def _made(path: Path, line: int, make: Any, row: Json) -> Any:
    try:
        return make(line, row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"has no {error}" if isinstance(error, KeyError) else f"is no question: {error}"
        raise BadDocument(f"{path.name}, line {line} {said}") from error


def _id(line: int, row: Json) -> str:
    names = ("id", "ind", "qID", "question_id")
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), str(line))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("the answers are no list")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{str(value)[:40]!r} is no text")
    return str(value)
