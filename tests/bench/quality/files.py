"""Files of tasks, as tests write them."""

import json
from pathlib import Path

from runner.bench.quality import formats, tasks
from runner.bench.quality.task import Choice, Task

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
