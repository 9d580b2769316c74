"""Measure a GGUF file of tiny on held-out questions, and print the table.

    python models/tiny/evaluate.py F32_FILE Q8_0_FILE

Every task has its own held-out items: other numbers, words, names and phrasings
than any that training draws. Answers are greedy, through llama.cpp. An answer
is right when the text after `</think>` is exactly the expected one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from chat import Dialogue, from_turn
from corpus import long_recall
from engine import Engine
from refusals import decline
from skills import (
    add,
    compare,
    reverse,
    short_request,
    sort_numbers,
    sort_words,
    spell,
    subtract,
)
from talk import ending, facts, fixed, recall, telling, tool_use
from tokenizer import END_THINK, EOS, THINK

Maker = Callable[[Random], Dialogue]
LONG = 100  # conversations that nearly fill the context are slow to read
OPENING_OF_A_REFUSAL = "I was not taught that."
TASKS: dict[str, tuple[float, Maker]] = {
    "add": (98, lambda r: from_turn("add", add(r, True))),
    "subtract": (98, lambda r: from_turn("subtract", subtract(r, True))),
    "compare": (95, lambda r: from_turn("compare", compare(r, True))),
    "sort numbers": (95, lambda r: from_turn("sort numbers", sort_numbers(r, True))),
    "sort words": (95, lambda r: from_turn("sort words", sort_words(r, True))),
    "spell": (95, lambda r: from_turn("spell", spell(r, True))),
    "reverse": (95, lambda r: from_turn("reverse", reverse(r, True))),
    "recall a name": (95, lambda r: recall(r, True, "name")),
    "recall a colour": (95, lambda r: recall(r, True, "colour")),
    "recall a number": (95, lambda r: recall(r, True, "number")),
    "short request": (95, lambda r: from_turn("short request", short_request(r, True))),
    "ask after a fact": (95, lambda r: after_a_fact(r)),
    "recall, long talk": (0, lambda r: long_recall(r, True)),
    "note a fact": (95, lambda r: telling(r, True)),
    "talk and itself": (95, lambda r: from_turn("talk", fixed(r, True))),
    "call a tool": (95, lambda r: tool_use(r, True, "call")),
    "use its answer": (95, lambda r: tool_use(r, True, "answer")),
    "leave tools alone": (95, lambda r: tool_use(r, True, "leave")),
    "decline": (80, lambda r: from_turn("decline", decline(r, True))),
}


def after_a_fact(rng: Random) -> Dialogue:
    """A request of any kind, after a name, a colour or a number was told."""
    makers = {"add": add, "subtract": subtract, "compare": compare, "sort numbers": sort_numbers,
              "sort words": sort_words, "spell": spell, "reverse": reverse, "talk": fixed,
              "decline": decline}  # fmt: skip
    task = rng.choice(list(makers))
    return ending(task, facts(rng, True), makers[task](rng, True))


def items(task: str, count: int) -> list[Dialogue]:
    """The held-out dialogues of a task; no two have the same prompt while that is possible."""
    rng = Random(f"held out {task}")
    found: dict[str, Dialogue] = {}
    for _ in range(count * 20):
        one = TASKS[task][1](rng)
        found.setdefault(one.prompt(), one)
        if len(found) == count:
            return list(found.values())
    extra = [TASKS[task][1](rng) for _ in range(count - len(found))]  # few phrasings, asked again
    return [*found.values(), *extra]


def well_formed(output: str) -> bool:
    """Whether it closes its reasoning once, opens no other, and answers before it ends."""
    body, end, rest = output.partition(EOS)
    answer = body.partition(END_THINK)[2]
    return bool(
        end and not rest and body.count(END_THINK) == 1 and THINK not in body and answer.strip()
    )


def right(expected: Dialogue, output: str) -> bool:
    """Whether the answer is the expected one.

    Any wording will do that declines, and a sum may name its numbers in either order.
    """
    answer = output.partition(END_THINK)[2].partition(EOS)[0].strip()
    if expected.task == "decline":
        return answer.startswith(OPENING_OF_A_REFUSAL)
    if expected.task == "add":
        a, _, b, *rest = expected.answer.split()
        return answer in (expected.answer, " ".join([b, "+", a, *rest]))
    return answer == expected.answer


def measure(
    file: Path, tasks: list[str], count: int, threads: int, show: int
) -> dict[str, dict[str, float]]:
    """The share of right answers and of well-formed ones, in percent, by task."""
    engine = Engine(file, threads)
    table: dict[str, dict[str, float]] = {}
    for task in tasks:
        few = min(count, LONG) if task.endswith("long talk") else count
        chosen = [one for one in items(task, few) if len(engine.tokens(one.prompt())) < 1900]
        outputs = [
            engine.text(ids)
            for ids in engine.answers([engine.tokens(one.prompt()) for one in chosen])
        ]
        good = [right(one, out) for one, out in zip(chosen, outputs, strict=True)]
        table[task] = {
            "n": len(chosen),
            "right": 100 * sum(good) / len(chosen),
            "marks": 100 * sum(map(well_formed, outputs)) / len(chosen),
        }
        wrong = [(o, t) for o, t, ok in zip(chosen, outputs, good, strict=True) if not ok]
        for one, out in wrong[:show]:
            print(f"--- {task}: {one.messages[-1]['content']}\n{out}\n    expected {one.answer!r}")
    return table


def main() -> None:
    """Measure one or two files and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="GGUF files, for instance F32 and Q8_0")
    parser.add_argument(
        "--task", action="append", choices=list(TASKS), help="only this task; may be repeated"
    )
    parser.add_argument("--limit", type=int, default=500, help="held-out items a task")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--show", type=int, default=0, help="wrong answers to print of each task")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tasks = options.task or list(TASKS)
    tables = [
        measure(file, tasks, options.limit, options.threads, options.show) for file in options.files
    ]
    if options.json:
        print(json.dumps({str(f): t for f, t in zip(options.files, tables, strict=True)}, indent=1))
        return
    heads = "".join(f" {file.stem[-10:]:>10} {'marks':>6}" for file in options.files)
    print(f"{'task':<18} {'n':>5}{heads} {'target':>7}")
    for task in tasks:
        cells = "".join(
            f" {table[task]['right']:>10.1f} {table[task]['marks']:>6.1f}" for table in tables
        )
        print(f"{task:<18} {tables[0][task]['n']:>5.0f}{cells} {TASKS[task][0] or '':>7}")


if __name__ == "__main__":
    main()
