"""Measure GGUF files of tiny on the held-out questions of `tasks/`, and print the card's table.

    python models/tiny/evaluate.py F32_FILE models/tiny/tiny-Q8_0.gguf

They are put as `runner eval tiny` puts them, and in the same order, so that its figures are these.
"Marks" is the share of answers with well-formed reasoning marks.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks import FOLDER, TASKS, name_of

from runner.bench.quality import tasks
from runner.bench.quality.run import Evaluation
from runner.bench.quality.task import Asked
from runner.bench.record import Item
from runner.models import Located, ready
from runner.settings import Settings


@dataclass(frozen=True)
class Measured:
    """Of one task: how many items, and how many in a hundred are right and well-formed."""

    items: int
    right: float
    marks: float


def well_formed(item: Item) -> bool:
    """Whether it closes its reasoning once, opens no other, and answers before it ends."""
    return item.finish == "end" and bool(item.answer) and "think>" not in item.answer


def measure(
    file: Path, names: list[str], limit: int | None, threads: int | None, show: int
) -> dict[str, Measured]:
    """By task. Wrong answers are printed, at most `show` of each."""
    table = {}
    evaluation = Evaluation(
        Located(file, file.stem),
        Settings(threads=threads),
        Asked(limit=limit),
        load=lambda one, settings, at_once: ready(one, settings, sequences=at_once),
        progress=lambda *_: None,
        energy=False,
        anew=True,
    )
    with evaluation:
        for name in names:
            items = evaluation.put(tasks.read(FOLDER / f"{name_of(name)}.jsonl")).items
            for item in [item for item in items if not item.correct][:show]:
                print(f"--- {name} {item.id}: {item.answer!r}\n    expected {item.expected!r}")
            right, marks = sum(bool(one.correct) for one in items), sum(map(well_formed, items))
            count = len(items)
            table[name] = Measured(count, 100 * right / count, 100 * marks / count)
        evaluation.done()
    return table


def main() -> None:
    """Measure the files and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="GGUF files, for instance F32 and Q8_0")
    parser.add_argument(
        "--task", action="append", choices=list(TASKS), help="only this task; may be repeated"
    )
    parser.add_argument("--limit", type=int, help="held-out items a task")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--show", type=int, default=0, help="wrong answers to print of each task")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # The order of the files' names, in which `runner eval tiny` asks them.
    names = sorted(options.task or TASKS, key=name_of)
    tables = {
        str(file): measure(file, names, options.limit, options.threads, options.show)
        for file in options.files
    }
    if options.json:
        plain = {file: {k: asdict(v) for k, v in table.items()} for file, table in tables.items()}
        print(json.dumps(plain, indent=1))
        return
    print_table(tables)


def print_table(tables: dict[str, dict[str, Measured]]) -> None:
    """As the card has it."""
    heads = [f"{Path(file).stem} %|marks %" for file in tables]
    print("| Task | Items | " + " | ".join(heads).replace("|", " | ") + " | Target % |")
    print("|---|---:|" + "---:|---:|" * len(tables) + "---:|")
    for task, (target, _) in TASKS.items():
        found = [table[task] for table in tables.values() if task in table]
        if found:
            cells = " | ".join(f"{one.right:.1f} | {one.marks:.1f}" for one in found)
            print(f"| {task} | {found[0].items} | {cells} | {target or ''} |")


if __name__ == "__main__":
    main()
