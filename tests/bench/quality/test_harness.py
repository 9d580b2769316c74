"""Tasks of lm-evaluation-harness: choices and text, worked examples, and what is refused."""

import json
from pathlib import Path

import pytest

from runner.bench.quality.task import Choice
from runner.errors import BadDocument, ConfigurationError
from tests.bench.quality.files import CAPITAL, CITIES, MULTIPLE, harness, lines, one


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


def test_digits_in_a_field_are_a_text_and_from_a_template_an_index(tmp_path: Path) -> None:
    row = {"question": "?", "o": ["1", "2", "3", "4"], "gold": "2", "first": "1"}
    text = MULTIPLE.replace('"{{ choices.text }}"', "o")
    target = '"{{ choices.label.index(answerKey) }}"'
    for source, answer in (("gold", 1), ('"{{gold}}"', 2)):
        assert one(harness(tmp_path, text.replace(target, source), lines(row))).answer == answer
    asked = '"Question: {{ question.strip() }}\\nAnswer:"'
    assert asked in text
    named = text.replace(target, "gold").replace(asked, "first")
    choice = one(harness(tmp_path, named, lines(row)))
    assert (choice.contexts, choice.answer) == (("1 ",), 1)
    rendered = text.replace(target, "gold").replace(asked, '"{{first}}"')
    choice = one(harness(tmp_path, rendered, lines(row)))
    assert (choice.contexts, choice.endings) == (("1 ", "2 ", "3 ", "4 "), ("2",) * 4)


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
