"""tiny's held-out questions, as the tasks that `runner eval tiny` asks: one file each in `tasks/`.

    python models/tiny/tasks.py
    python models/tiny/tasks.py --check

Every task has its own held-out items: other numbers, words, names and phrasings than any that
training draws. Of the long conversations those remain whose prompts leave room for an answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from chat import Dialogue, from_turn
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
from talk import ending, facts, fixed, long_recall, recall, telling, tool_use
from tokenizer import Tokenizer

FOLDER = Path(__file__).with_name("tasks")
COUNT = 500
ROOM = 1900  # tokens of a prompt, of the 2048 of the context
REPLY = 320


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


def name_of(task: str) -> str:
    """The file's name of a task."""
    return task.replace(",", "").replace(" ", "-")


def header_of(task: str) -> dict[str, Any]:
    """The first line of a task's file."""
    return {
        "runner_task": 1,
        "kind": "generated",
        "name": task,
        "licence": "MIT",
        "matcher": "exact",
        "sampling": {"temperature": 0.0},
        "max_tokens": REPLY,
        # Others computed beside it decide how an answer is rounded, which flips one in a thousand.
        "at_once": 1,
        "about": f"Held-out questions of tiny: {task}.",
    }


def is_long(task: str) -> bool:
    """Whether its conversations nearly fill the context."""
    return task.endswith("long talk")


def line_of(number: int, one: Dialogue) -> dict[str, Any]:
    """A question as `runner eval` reads it."""
    line: dict[str, Any] = {"id": str(number)}
    if len(one.messages) == 1 and one.messages[0]["role"] == "user":
        line["question"] = one.messages[0]["content"]
    else:
        line["messages"] = one.messages
    if one.tools:
        line["tools"] = one.tools
    return line | answer_of(one)


def answer_of(one: Dialogue) -> dict[str, Any]:
    """The right answer and how it is compared: any wording will do that declines, and a sum may
    name its numbers in either order."""
    if one.task == "decline":
        return {"answer": OPENING_OF_A_REFUSAL, "matcher": "begins"}
    if one.task == "add":
        a, _, b, *rest = one.answer.split()
        swapped = " ".join([b, "+", a, *rest])
        return {"answer": f"{one.answer}\n{swapped}", "matcher": "one of"}
    if one.task == "tool call":
        return {"answer": json.loads(one.answer.split("\n")[1]), "matcher": "call"}
    return {"answer": one.answer}


def text_of(task: str, tokenizer: Tokenizer) -> str:
    """A task's file."""
    chosen = items(task, LONG if is_long(task) else COUNT)
    chosen = [one for one in chosen if len(tokenizer.encode(one.prompt())) < ROOM]
    lines = [header_of(task), *(line_of(number, one) for number, one in enumerate(chosen, 1))]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def main() -> None:
    """Write all of them; with --check, say which are not what would be written."""
    FOLDER.mkdir(exist_ok=True)
    tokenizer, other = Tokenizer(), []
    for task in TASKS:
        text, path = text_of(task, tokenizer), FOLDER / f"{name_of(task)}.jsonl"
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.name}: {text.count(chr(10)) - 1}")
        elif not path.is_file() or path.read_bytes() != text.encode():
            other.append(path.name)
    if other:
        raise SystemExit(f"not what this script writes: {', '.join(other)}")


if __name__ == "__main__":
    main()
