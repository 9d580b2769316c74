"""Files of tasks as people have them, and what is wrong with those that are malformed."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.bench.quality import formats, tasks
from runner.bench.quality.likelihood import evaluate
from runner.bench.quality.task import Asked, Choice
from runner.errors import BadDocument
from runner.models import Located
from runner.settings import Settings
from tests.bench.quality.files import (
    CAPITAL,
    CITIES,
    LETTERED,
    MULTIPLE,
    harness,
    lines,
    one,
    read,
)


def test_winogrande_with_a_space_before_the_right_one() -> None:
    assert one(read("w.csv", "1,The _ ran.,cat,mouse, 2\n")).answer == 1


@pytest.mark.parametrize("names", ["", "id,sentence,choice1,choice2,answer\n"])
def test_winogrande(names: str) -> None:
    row = '7,"The cup did not fit the box, for the _ was small.",cup,box,2\n'
    task = read("w.csv", names + row)
    choice = one(task)
    before = "The cup did not fit the box, for the "
    assert choice.contexts == (before + "cup", before + "box")
    assert choice.endings == (" was small.", " was small.")
    assert (choice.id, choice.answer, choice.separator) == ("7", 1, "")
    assert task.normaliser == "sum"
    with pytest.raises(BadDocument, match="line 2"):
        read("w.csv", row + '8,"No blank here.",cup,box,1\n')
    with pytest.raises(BadDocument, match="after it"):
        read("w.csv", row + '8,"It ends with the _",cup,box,1\n')


def test_winogrande_in_json() -> None:
    row = {"sentence": "A _ is red.", "option1": "cup", "option2": "box", "answer": "1"}
    assert one(read("w.jsonl", lines(row))).contexts == ("A cup", "A box")
    with pytest.raises(BadDocument, match="line 2"):
        read("w.jsonl", lines(row, {**row, "answer": ""}))


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ("question,choices,answer", f'{CAPITAL},"[""Rome"", ""Paris"", ""Oslo""]",1'),
        ("id,question,A,B,C,answer", f"1,{CAPITAL},Rome,Paris,Oslo,B"),
        ("Question,Choice1,Choice2,Choice3,Answer", f"{CAPITAL},Rome,Paris,Oslo,2"),
        ("question,option_a,option_b,option_c,option_d,answer", f"{CAPITAL},Rome,Paris,Oslo,,b"),
        ("prompt,A,B,C,target", f"{CAPITAL},Rome,Paris,Oslo,Paris"),
    ],
)
def test_a_table_with_names(names: str, fields: str) -> None:
    task = read("t.csv", f"\ufeff{names}\r\n{fields}\r\n")
    assert one(task) == Choice("1", (LETTERED,), ("A", "B", "C"), 1, separator=" ")
    assert (task.kind, task.normaliser) == ("choice", "sum")


def test_a_table_without_names() -> None:
    choices = read("mmlu_test.csv", "2 + 2?,3,4,5,6,B\n3 + 3?,3,4,5,6,D\n").choices
    assert [choice.answer for choice in choices] == [1, 3]
    with pytest.raises(BadDocument, match="line 2"):
        read("mmlu_test.csv", "2 + 2?,3,4,5,6,B\n3 + 3?,3,4,5\n")
    with pytest.raises(BadDocument, match="line 2: 'E' is none of the 4"):
        read("mmlu_test.csv", "2 + 2?,3,4,5,6,B\n3 + 3?,3,4,5,6,E\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question,choices,answer\nq,not a list,1\n", "line 2: the answers are no JSON list"),
        ("question,A,B,answer\nq,1\n", "line 2 has 2 of 4"),
        ("question,A,B,answer\n", "no question"),
        ("question,A,B,answer\nq,one,,A\n", "line 2: there must be two"),
        ('question,A,B,answer\nq,"one"x,two,A\n', "line 2 is not CSV"),
        ('question,choices,answer\nq,"[""2"",""0"",""1""]",2\n', "both indices and texts"),
    ],
)
def test_malformed_tables(text: str, said: str) -> None:
    with pytest.raises(BadDocument, match=said):
        read("t.csv", text)


def test_how_a_right_answer_is_named_holds_for_the_whole_file() -> None:
    names = "question,choices,answer\n"
    texts = read("t.csv", f'{names}q,"[""5"",""2"",""1""]",2\nq,"[""7"",""9""]",9\n')
    assert [choice.answer for choice in texts.choices] == [1, 1]
    indices = read("t.csv", f'{names}q,"[""5"",""2"",""1""]",2\nq,"[""7"",""9""]",0\n')
    assert [choice.answer for choice in indices.choices] == [2, 0]


def test_arc() -> None:
    labels = ["1", "2", "3"]
    apart = [{"text": a, "label": b} for a, b in zip(CITIES, labels, strict=True)]
    forms: list[dict[str, Any]] = [
        {"question": CAPITAL, "choices": {"text": CITIES, "label": labels}},
        {"question": CAPITAL, "choices": apart},
        {"question": {"stem": CAPITAL, "choices": apart}},
    ]
    rows = [{"id": "same", "answerKey": "2", **form} for form in forms]
    for text in (lines(*rows), json.dumps(rows)):
        task = read("arc.jsonl", text)
        assert [choice.id for choice in task.choices] == ["same", "same (2)", "same (3)"]
        for choice in task.choices:
            assert choice.contexts == (f"Question: {CAPITAL}\nAnswer:",)
            assert (choice.endings, choice.answer) == (tuple(CITIES), 1)
        assert task.normaliser == "per_character"
    with pytest.raises(BadDocument, match="line 2: 'Z' is none"):
        read("arc.jsonl", lines(rows[0], {**rows[0], "answerKey": "Z"}))
    with pytest.raises(BadDocument, match="line 2 has no 'answerKey'"):
        read("arc.jsonl", lines(rows[0], {"question": CAPITAL, "choices": apart}))


@pytest.mark.parametrize("right", [1, "1", "B", "Paris"])
def test_mmlu(right: object) -> None:
    row = {"question": CAPITAL, "choices": CITIES, "answer": right}
    assert one(read("m.jsonl", lines(row))) == Choice("1", (LETTERED,), tuple("ABC"), 1, " ")
    with pytest.raises(BadDocument, match="line 2 is no question"):
        read("m.jsonl", lines(row, {**row, "choices": "Rome"}))


def test_hellaswag() -> None:
    row = {
        "activity_label": "Cooking", "ctx": "A man. he", "ctx_a": "A man.", "ctx_b": "he",
        "endings": ["sits [step] down.", "sings."], "label": "1",
    }  # fmt: skip
    task = read("h.jsonl", lines(row))
    choice = one(task)
    assert choice.contexts == ("Cooking: A man. He",)
    assert choice.endings == ("sits down.", "sings.")
    assert (choice.answer, choice.separator, task.normaliser) == (1, " ", "per_character")
    plain = {"ctx": "A man. He", "endings": ["sits.", "sings."], "label": 0}
    assert one(read("h.jsonl", lines(plain))).contexts == ("A man. He",)
    with pytest.raises(BadDocument, match=r"line 1 .* test split"):
        read("h.jsonl", lines({**row, "label": ""}))


def test_truthful_qa() -> None:
    targets = {"choices": CITIES, "labels": [0, 1, 0]}
    both = [targets, dict(zip(CITIES, (0, 1, 0), strict=True))]
    for form in both:
        task = read("mc.json", json.dumps([{"question": CAPITAL, "mc1_targets": form}]))
        assert one(task) == Choice("1", (f"Q: {CAPITAL}\nA:",), tuple(CITIES), 1, " ")
    wrong = {"question": CAPITAL, "mc1_targets": {**targets, "labels": [1, 1, 0]}}
    with pytest.raises(BadDocument, match="not one answer"):
        read("mc.jsonl", lines(wrong))


def test_other_files() -> None:
    assert formats.read(Path("x.csv"), b"name,age\nAnn,7\n") is None
    assert formats.read(Path("x.yaml"), b"name: a list\n") is None
    assert formats.read(Path("x.jsonl"), b'{"name": "Ann"}\n') is None
    assert formats.read(Path("x.raw"), b"\xff\xfe") is None
    assert formats.read(Path("x.json"), b"[1, 2]") is None
    with pytest.raises(BadDocument, match="element 2"):
        read("x.json", json.dumps([{"question": "1 + 1?", "answer": "2"}, 2]))
    assert read("x.txt", "[1] A text that begins as a list.").kind == "perplexity"


def test_parquet_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1\xff\xfe")
    with pytest.raises(BadDocument, match="Parquet") as caught:
        tasks.read(path)
    assert "to_json" in caught.value.remedy


def test_what_was_read_is_scored(tmp_path: Path, tiny_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"question,A,B,C,answer\n{CAPITAL},Rome,Paris,Oslo,B\n", encoding="utf-8")
    winogrande = tmp_path / "w.csv"
    winogrande.write_text("1,The _ was small.,cup,box,2\n", encoding="utf-8")
    for task in (harness(tmp_path, MULTIPLE), tasks.read(table), tasks.read(winogrande)):
        result = evaluate(
            task, Located(tiny_path, "tiny"), Settings(threads=1), Asked(),
            done=(), keep=lambda _: None, progress=lambda _, __: None,
        )  # fmt: skip
        (item,) = result.items
        assert item.extracted is not None
        assert len(json.loads(item.extracted)) == len(one(task).endings)
