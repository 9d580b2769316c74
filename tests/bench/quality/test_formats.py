"""Files of tasks as people have them, and what is wrong with those that are malformed."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.bench.quality import formats, tasks
from runner.bench.quality.likelihood import evaluate
from runner.bench.quality.task import Asked, Choice, Task
from runner.errors import BadDocument, ConfigurationError
from runner.models import Located
from runner.settings import Settings

CAPITAL = "What is the capital of France?"
CITIES = ["Rome", "Paris", "Oslo"]
LETTERED = f"{CAPITAL}\nA. Rome\nB. Paris\nC. Oslo\nAnswer:"


def read(name: str, text: str, folder: Path = Path()) -> Task:
    task = formats.read(folder / name, text.encode())
    assert task is not None
    return task


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def one(task: Task) -> Choice:
    (choice,) = task.choices
    return choice


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


MULTIPLE = """
task: capitals
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{ question.strip() }}\\nAnswer:"
doc_to_choice: "{{ choices.text }}"
doc_to_target: "{{ choices.label.index(answerKey) }}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm}
"""
ROW = {
    "question": f" {CAPITAL}",
    "choices": {"text": CITIES, "label": ["A", "B", "C"]},
    "answerKey": "B",
    "number": 1,
    "city": "Paris",
}


def harness(folder: Path, text: str, rows: str = "") -> Task:
    (folder / "rows.jsonl").write_text(rows or lines(ROW), encoding="utf-8")
    path = folder / "task.yaml"
    path.write_text(text, encoding="utf-8")
    return tasks.read(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("doc_to_target", "number"),
        ("doc_to_target", "city"),
        ("doc_to_target", '"{{ city }}"'),
        ("doc_to_target", "1"),
        ("doc_to_choice", "[Rome, Paris, Oslo]"),
        ("doc_to_choice", "{a: Rome, b: Paris, c: Oslo}"),
        ("description", '""'),
    ],
)
def test_a_harness_task_of_choices(tmp_path: Path, key: str, value: str) -> None:
    kept = [line for line in MULTIPLE.splitlines() if not line.startswith(key)]
    task = harness(tmp_path, "\n".join([*kept, f"{key}: {value}"]))
    context = f"Question: {CAPITAL}\nAnswer: "
    assert one(task) == Choice("1", (context,), tuple(CITIES), 1)
    assert (task.name, task.normaliser) == ("capitals", "per_character")


def test_a_harness_task_of_contexts(tmp_path: Path) -> None:
    text = MULTIPLE.replace("doc_to_text:", "was:").replace("doc_to_target:", "was_too:")
    task = harness(tmp_path, text + 'doc_to_text: number\ndoc_to_target: "is a city"\n'
                   'description: "Say: "\ntarget_delimiter: "\\n"\n')  # fmt: skip
    choice = one(task)
    assert choice.contexts == ("Say: Rome", "Say: Paris", "Say: Oslo")
    assert (choice.endings, choice.answer) == (("is a city",) * 3, 1)
    assert choice.separator == "\n"


@pytest.mark.parametrize(
    ("more", "matcher"),
    [
        ("", "exact"),
        (
            "filter_list: [{name: f, filter: [{function: regex, regex_pattern: '(\\d+)'}]}]",
            "numeric",
        ),
    ],
)
def test_a_harness_task_of_answers(tmp_path: Path, more: str, matcher: str) -> None:
    text = (
        "dataset_path: csv\ndataset_kwargs: {data_files: rows.jsonl}\n"
        'output_type: generate_until\ndoc_to_text: "Q: {{q}}\\nA:"\n'
        "doc_to_target: \"{{answer.split('####')[-1].strip()}}\"\n"
        f"generation_kwargs: {{max_gen_toks: 64, until: ['Q:']}}\n{more}\n"
    )
    task = harness(tmp_path, text, 'q,answer\n2 and 3?,"So\n#### 5"\n')
    (question,) = task.questions
    assert question.messages[0].content == "Q: 2 and 3?\nA:"
    assert (question.expected, question.matcher) == ("5", matcher)
    assert (task.name, task.kind, task.facts["max_tokens"]) == ("task", "generated", 64)


def test_a_harness_task_of_text(tmp_path: Path) -> None:
    text = (
        "task: words\ndataset_path: text\ndataset_kwargs: {data_files: [rows.jsonl]}\n"
        'output_type: loglikelihood_rolling\ndoc_to_text: ""\ndoc_to_target: "{{text}}"\n'
    )
    task = harness(tmp_path, text, "One.\nTwo.\n")
    assert (task.kind, task.text) == ("perplexity", "One.\n\nTwo.")
    digests = {task.sha256, harness(tmp_path, text, "One.\nThree.\n").sha256}
    assert len(digests) == 2, "a task is another one when its data is"


BASE = """
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl, dev: dev.jsonl}}
test_split: test
fewshot_split: dev
fewshot_config: {sampler: first_n}
output_type: multiple_choice
doc_to_text: "{{question.strip()}}\\nA. {{choices[0]}}\\nB. {{choices[1]}}\\nAnswer:"
doc_to_choice: [A, B]
doc_to_target: answer
metric_list: [{metric: acc}]
"""
"""As MMLU's in the harness."""


def asked(question: str, answer: int) -> dict[str, object]:
    return {"question": question, "choices": ["yes", "no"], "answer": answer}


def test_worked_examples_of_another_split_and_an_included_file(tmp_path: Path) -> None:
    (tmp_path / "_base_yaml").write_text(BASE, encoding="utf-8")
    dev = lines(*(asked(f"Is {n} even?", n % 2) for n in (1, 2, 3)))
    (tmp_path / "dev.jsonl").write_text(dev, encoding="utf-8")
    text = (
        'include: _base_yaml\ntask: even\ndescription: "On numbers.\\n\\n"\nnum_fewshot: 2\n'
        "doc_to_choice: [A, B]\n"
    )
    task = harness(tmp_path, text, lines(asked("Is 8 even?", 0)))
    choice = one(task)
    answers = "\nA. yes\nB. no\nAnswer:"
    assert choice.contexts == (
        f"On numbers.\n\nIs 1 even?{answers} B\n\nIs 2 even?{answers} A\n\nIs 8 even?{answers} ",
    )
    assert (task.name, choice.endings, choice.answer) == ("even", ("A", "B"), 0)
    assert task.facts["examples"] == "2: the first of dev"
    (tmp_path / "dev.jsonl").write_text(dev.replace("Is 1", "Was 1"), encoding="utf-8")
    other = harness(tmp_path, text, lines(asked("Is 8 even?", 0)))
    assert other.sha256 != task.sha256, "a task is another one when its examples are"


def test_no_question_is_its_own_example(tmp_path: Path) -> None:
    text = (
        "dataset_path: json\ndataset_kwargs: {data_files: rows.jsonl}\nnum_fewshot: 1\n"
        'output_type: generate_until\ndoc_to_text: "Q: {{q}}\\nA:"\ndoc_to_target: "{{a}}"\n'
        "generation_kwargs: {until: ['Q:', ' ']}\n"
    )
    rows = lines({"q": "1 + 1", "a": "2"}, {"q": "1 + 2", "a": "3"}, {"q": "1 + 3", "a": "4"})
    task = harness(tmp_path, text, rows)
    first, second, third = (question.messages[0].content for question in task.questions)
    assert first == "Q: 1 + 2\nA: 3\n\nQ: 1 + 1\nA:"
    assert second == "Q: 1 + 1\nA: 2\n\nQ: 1 + 2\nA:"
    assert third == "Q: 1 + 1\nA: 2\n\nQ: 1 + 3\nA:"
    assert task.facts["stop"] == ["Q:"]


def test_examples_that_the_task_writes_out(tmp_path: Path) -> None:
    text = (
        "dataset_path: json\ndataset_kwargs: {data_files: rows.jsonl}\nnum_fewshot: 1\n"
        'output_type: generate_until\ndoc_to_text: "Q: {{q}}"\ndoc_to_target: "{{a}}"\n'
        'fewshot_config: {sampler: first_n, samples: [{q: "why?", a: because}]}\n'
        "fewshot_delimiter: ' | '\n"
    )
    (question,) = harness(tmp_path, text, lines({"q": "how?", "a": "so"})).questions
    assert question.messages[0].content == "Q: why? because | Q: how?"


def test_parquet_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1\xff\xfe")
    with pytest.raises(BadDocument, match="Parquet") as caught:
        tasks.read(path)
    assert "to_json" in caught.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dataset_path: json", "dataset_path: parquet", "Parquet"),
        ("task: capitals", "num_fewshot: many", "malformed"),
        ("task: capitals", "num_fewshot: 1\nfewshot_split: dev", "examples is 'dev'"),
        ("doc_to_text:", "doc_to_text: !function utils.text\nwas:", "!function"),
        ("doc_to_text:", "process_docs: !function utils.text\ndoc_to_text:", "line 7 calls Python"),
        ("doc_to_text:", "doc_to_text: !!python/name:os.system\nwas:", "is not YAML"),
        ("dataset_path: json", "dataset_path: allenai/ai2_arc", "which is not here"),
        ("rows.jsonl", "https://example.com/rows.jsonl", "not files here"),
        ("rows.jsonl", "absent.jsonl", "cannot be read"),
        ("task: capitals", "task: [one, other]", "a group"),
        ("task: capitals", "include: other.yaml", "includes, cannot be read"),
        ("task: capitals", "include: task.yaml", "includes it in turn"),
        ("task: capitals", "num_fewshot: 5", "5 worked examples, and .* has 1"),
        ("test_split: test", "test_split: train", "test_split is 'train'"),
        ("output_type: multiple_choice", "output_type: loglikelihood", "output_type"),
        ("question.strip()", "nothing.strip()", "line 1 of the data: .*'nothing' is undefined"),
        ("question.strip()", "choices.texts", "'texts'"),
        ("question.strip()", "question.strip(", "a template is malformed"),
        ("{{ choices.text }}", "{{ question }}", "gives no list"),
        ("index(answerKey)", "index('B') + 7", "none of its 3"),
        ("index(answerKey)", "index('Z')", "a template"),
        ("task: capitals", "task: [", "is not YAML"),
    ],
)
def test_what_a_harness_task_may_not(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in MULTIPLE
    with pytest.raises((ConfigurationError, BadDocument), match=said):
        harness(tmp_path, MULTIPLE.replace(old, new))


@pytest.mark.parametrize(
    "template",
    [
        "{{ question.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.format.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_templates_stay_in_their_sandbox(tmp_path: Path, template: str) -> None:
    start = MULTIPLE.index("doc_to_text")
    end = MULTIPLE.index("\n", start)
    text = MULTIPLE[:start] + "doc_to_text: " + json.dumps(template) + MULTIPLE[end:]
    with pytest.raises((ConfigurationError, BadDocument)):
        harness(tmp_path, text)


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
