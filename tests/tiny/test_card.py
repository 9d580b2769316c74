"""What tiny's card says of its answers is what `runner eval tiny` finds, to questions that are
those of the recipe.

All of it takes minutes. Here whole tasks are asked that come out the same however many questions
are computed together and with other types of cache, so that another processor's rounding, too, has
little to flip.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from runner.bench.quality import tasks
from runner.bench.quality.run import Evaluation
from runner.bench.quality.task import Asked
from runner.models import ready, shipped
from runner.settings import Settings

FOLDER = Path(__file__).parents[2] / "models" / "tiny"
ROW = re.compile(r"\| ([a-z ,]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]*) \|")


class Row(NamedTuple):
    items: int
    right: float
    marks: float


def card() -> dict[str, Row]:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    return {
        found[1].replace(",", "").replace(" ", "-"): Row(
            int(found[2]), float(found[3]), float(found[4])
        )
        for found in ROW.finditer(text)
    }


def test_the_card_has_every_task() -> None:
    rows = card()
    counts = {task.name: len(task.questions) for task in tasks.find("tiny")}
    assert {f"tiny/{name}": row.items for name, row in rows.items() if name != "all"} == counts
    assert rows["all"].items == sum(counts.values())
    right = sum(row.items * row.right for name, row in rows.items() if name != "all")
    assert rows["all"].right == pytest.approx(right / rows["all"].items, abs=0.06)


@pytest.mark.parametrize("name", ["spell", "compare"])
def test_a_task_comes_out_as_the_card_says(name: str) -> None:
    (task,) = tasks.find(f"tiny/{name}")
    with Evaluation(
        shipped(), Settings(), Asked(), progress=lambda *_: None, energy=False,
        load=lambda one, settings, at_once: ready(one, settings, sequences=at_once),
    ) as evaluation:  # fmt: skip
        items = evaluation.put(task).items
    right = 100 * sum(bool(item.correct) for item in items) / len(items)
    assert (len(items), round(right, 1)) == card()[name][:2]


def test_the_questions_are_those_that_the_recipe_draws() -> None:
    made = subprocess.run(
        [sys.executable, FOLDER / "tasks.py", "--check"], capture_output=True, text=True
    )
    assert (made.returncode, made.stderr) == (0, "")
