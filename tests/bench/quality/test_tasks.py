"""Tasks are found by name, path and reference, and read in the forms that people have."""

import json
from pathlib import Path

import pytest

from runner.bench.quality import tasks
from runner.bench.quality.formats.questions import BOX
from runner.errors import BadDocument, ConfigurationError, IntegrityError, OfflineError, UnknownTask
from runner.hub import Hub
from runner.hub.datasets import parse
from runner.models import Located, shipped
from tests.loopback import LoopbackHub

GSM8K = {"question": "2 and 3?", "answer": "2 + 3 = <<2+3=5>>5\n#### 5"}
MATH = {"problem": "Half?", "solution": "…", "answer": "\\frac{1}{2}", "unique_id": "test/1.json"}
AIME = {"ID": "2024-I-1", "Problem": "How many?", "Answer": 204}


def written(folder: Path, *rows: object, name: str = "questions.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "id", "expected", "matcher"),
    [
        (GSM8K, "1", "5", "numeric"),
        (MATH, "test/1.json", "\\frac{1}{2}", "boxed"),
        (AIME, "2024-I-1", "204", "numeric"),
        ({**MATH, "answer": 14.5}, "test/1.json", "14.5", "numeric"),
        ({**MATH, "answer": 1e-7}, "test/1.json", "0.0000001", "numeric"),
        ({**MATH, "answer": "1,000"}, "test/1.json", "1,000", "numeric"),
        ({**MATH, "answer": "1,2"}, "test/1.json", "1,2", "boxed"),
        ({**MATH, "answer": "3,5,7"}, "test/1.json", "3,5,7", "boxed"),
        ({**MATH, "answer": "-2,1"}, "test/1.json", "-2,1", "boxed"),
    ],
)
def test_published_questions(
    tmp_path: Path, row: dict[str, object], id: str, expected: str, matcher: str
) -> None:
    (task,) = tasks.find(str(written(tmp_path, row)))
    (question,) = task.questions
    assert (task.kind, task.name, task.source) == ("generated", "questions", "questions.jsonl")
    assert (question.id, question.expected, question.matcher) == (id, expected, matcher)
    assert question.messages[0].content.endswith(BOX)


def test_real_gsm8k(shared: Path) -> None:
    (task,) = tasks.find(str(shared / "eval" / "gsm8k_test.jsonl"))
    assert len(task.questions) == 1319
    assert {question.matcher for question in task.questions} == {"numeric"}
    assert [question.expected for question in task.questions[:3]] == ["18", "3", "70000"]
    assert len({question.id for question in task.questions}) == 1319


def test_a_list_and_equal_names(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    rows = [{"id": 1, **GSM8K}, {"id": 1, **GSM8K}]
    path.write_text(json.dumps(rows), encoding="utf-8")
    (task,) = tasks.find(str(path))
    assert [one.id for one in task.questions] == ["1", "1 (2)"]
    header = {"runner_task": 1, "kind": "generated"}
    own = written(tmp_path, header, *({"id": 7, **GSM8K} for _ in range(2)), name="own.jsonl")
    (task,) = tasks.find(str(own))
    assert [one.id for one in task.questions] == ["7", "7 (2)"]


def test_text_is_for_perplexity(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("Once upon a time.", encoding="utf-8")
    (task,) = tasks.find(str(path))
    assert (task.kind, task.text) == ("perplexity", "Once upon a time.")


def test_every_shipped_task_is_whole() -> None:
    found = tasks.shipped()
    assert {"arithmetic", "common-sense", "tiny/add", "tiny/decline"} <= found.keys()
    for name, path in found.items():
        task = tasks.read(path, name=name)
        assert task.licence == "MIT"
        ids = [one.id for one in task.questions] + [one.id for one in task.choices]
        assert len(set(ids)) == len(ids) >= 40, name
    assert len([name for name in found if name.startswith("tiny/")]) == 19
    assert len(tasks.find("tiny")) == 19
    assert [one.name for one in tasks.find("")] == ["arithmetic", "common-sense"]


def test_what_a_model_is_asked_by_itself(tiny_path: Path) -> None:
    assert tasks.own_of(shipped()) == "tiny"
    assert tasks.own_of(Located(tiny_path, "other.gguf")) == ""


def test_a_folder_is_all_its_tasks(tmp_path: Path) -> None:
    written(tmp_path, GSM8K, name="a.jsonl")
    written(tmp_path, MATH, name="b.jsonl")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    (tmp_path / "README.md").write_text("What these are.", encoding="utf-8")
    assert [task.name for task in tasks.find(str(tmp_path))] == ["a", "b"]


def test_parts_of_a_task_are_no_tasks(tmp_path: Path) -> None:
    written(tmp_path, {"q": "1 + 1", "a": "2"}, name="rows.jsonl")
    written(tmp_path, {"q": "1 + 2", "a": "3"}, name="dev.jsonl")
    written(tmp_path, GSM8K, name="other.jsonl")
    (tmp_path / "_base.yaml").write_text(
        "dataset_path: json\ndataset_kwargs: {data_files: {test: [rows.jsonl], dev: dev.jsonl}}\n"
        'test_split: test\ndoc_to_text: "{{q}}"\ndoc_to_target: "{{a}}"\n',
        encoding="utf-8",
    )
    (tmp_path / "sums.yaml").write_text("include: _base.yaml\ntask: sums\n", encoding="utf-8")
    assert [task.name for task in tasks.find(str(tmp_path))] == ["other", "sums"]


HEADER = {"runner_task": 1, "kind": "generated", "licence": "MIT"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("{not json",), "is no JSON object"),
        (({**HEADER, "runner_task": 9},), "version 9"),
        (({**HEADER, "kind": "dance"},), "kind 'dance'"),
        ((HEADER, {"answer": "5"}), "line 2 has no 'messages'"),
        ((HEADER, {"question": "?"}), "line 2 has no 'answer'"),
        ((HEADER, {"messages": [{"role": "judge"}], "answer": ""}), "no role 'judge'"),
        ((HEADER, {"messages": [], "answer": ""}), "asks nothing"),
        (({**HEADER, "kind": "choice"}, {"context": "", "endings": ["a"], "answer": 1}),
         "no ending 1"),
        (({**HEADER, "kind": "choice"},), "has no questions"),
        ((HEADER,), "has no questions"),
        (({**HEADER, "sampling": [1]}, GSM8K), "sampling is no JSON object"),
        (({**HEADER, "sampling": {"heat": 1}}, GSM8K), "there is no heat"),
        (({**HEADER, "sampling": {"seed": 1}}, GSM8K), "there is no seed"),
        (({**HEADER, "sampling": {"temperature": "hot"}}, GSM8K), "its temperature is 'hot'"),
        (({**HEADER, "sampling": {"top_p": 2}}, GSM8K), "its top_p is 2"),
        (({**HEADER, "max_tokens": "many"}, GSM8K), "its max_tokens is 'many'"),
        (({**HEADER, "context": 0}, GSM8K), "its context is 0"),
        (({**HEADER, "at_once": 0}, GSM8K), "its at_once is 0"),
        ((GSM8K, {"question": "and?"}), "line 2 has no question with its answer"),
    ],
)  # fmt: skip
def test_broken_files_say_where(tmp_path: Path, rows: tuple[object, ...], said: str) -> None:
    path = written(tmp_path, *rows)
    with pytest.raises(BadDocument) as caught:
        tasks.find(str(path))
    if "JSON" not in said:
        assert said in caught.value.message


def test_an_unknown_matcher(tmp_path: Path) -> None:
    path = written(tmp_path, {**HEADER, "matcher": "close"}, {"question": "?", "answer": ""})
    with pytest.raises(ConfigurationError, match="no matcher"):
        tasks.find(str(path))


@pytest.mark.parametrize("text", ["tinny/add", "nowhere.jsonl", "hf.co/datasets/one"])
def test_what_is_not_there(text: str) -> None:
    with pytest.raises(UnknownTask):
        tasks.find(text, hub=Hub)


# Data sets on the Hub.

NAME = "somebody/questions"


@pytest.mark.parametrize("host", ["huggingface.co", "http://hf.co", "https://huggingface.co"])
def test_a_data_set_by_its_address(loopback_hub: LoopbackHub, host: str) -> None:
    loopback_hub.add(NAME, {"test.jsonl": (json.dumps(GSM8K) + "\n").encode()})
    (task,) = tasks.find(f"{host}/datasets/{NAME}/test.jsonl", hub=Hub)
    assert task.source.startswith(f"hf.co/datasets/{NAME}/test.jsonl@")


def test_a_data_set_is_fetched_once_and_pinned(loopback_hub: LoopbackHub) -> None:
    data = (json.dumps(GSM8K) + "\n").encode()
    commit = loopback_hub.add(NAME, {"data/test.jsonl": data}, licence="cc-by-4.0")
    (task,) = tasks.find(f"hf.co/datasets/{NAME}/data/test.jsonl", hub=Hub)
    assert task.source == f"hf.co/datasets/{NAME}/data/test.jsonl@{commit}"
    assert (task.licence, len(task.questions)) == ("cc-by-4.0", 1)
    before = len(loopback_hub.requests)
    (again,) = tasks.find(task.source, hub=lambda: Hub(offline=True))
    assert again == task
    assert len(loopback_hub.requests) == before


def test_what_comes_must_be_what_is_listed(loopback_hub: LoopbackHub) -> None:
    loopback_hub.add(NAME, {"test.jsonl": b"{}\n"})
    listed = [{"rfilename": "test.jsonl", "size": 3, "blobId": "1" * 40}]
    loopback_hub.add(NAME, {"test.jsonl": b"{}\n"}, facts={"siblings": listed})
    with pytest.raises(IntegrityError):
        tasks.find(f"hf.co/datasets/{NAME}/test.jsonl", hub=Hub)
    with pytest.raises(OfflineError):
        tasks.find(f"hf.co/datasets/{NAME}/test.jsonl", hub=lambda: Hub(offline=True))


def test_a_file_that_a_data_set_has_not(loopback_hub: LoopbackHub) -> None:
    loopback_hub.add(NAME, {"test.jsonl": b"{}\n"})
    with pytest.raises(UnknownTask) as caught:
        tasks.find(f"hf.co/datasets/{NAME}/train.jsonl", hub=Hub)
    assert "test.jsonl" in caught.value.remedy


@pytest.mark.parametrize("file", ["../../x", "a/../b", "a//b", "..%2Fx"])
def test_no_file_leaves_its_folder(file: str) -> None:
    with pytest.raises(UnknownTask):
        parse(f"hf.co/datasets/{NAME}/{file}")
