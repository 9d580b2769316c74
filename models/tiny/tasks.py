"""Write tiny's held-out questions as the tasks that `runner eval tiny` asks.

    python models/tiny/tasks.py

They are the items that `evaluate.py` draws, with its rules of what is right: one file a task in
`tasks/`. Of the long conversations those remain whose prompts leave room for an answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chat import Dialogue
from engine import SEQUENCES
from evaluate import LONG, OPENING_OF_A_REFUSAL, TASKS, items
from tokenizer import Tokenizer

FOLDER = Path(__file__).with_name("tasks")
COUNT = 500
ROOM = 1900  # tokens of a prompt, of the 2048 of the context
REPLY = 320
CONTEXT = 2048  # of each conversation; they share one cache


def name_of(task: str) -> str:
    """The file's name of a task."""
    return task.replace(",", "").replace(" ", "-")


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
    """The right answer and how it is compared, as `evaluate.right` does."""
    if one.task == "decline":
        return {"answer": OPENING_OF_A_REFUSAL, "matcher": "begins"}
    if one.task == "add":
        a, _, b, *rest = one.answer.split()
        swapped = " ".join([b, "+", a, *rest])
        return {"answer": f"{one.answer}\n{swapped}", "matcher": "one of"}
    if one.task == "tool call":
        return {"answer": json.loads(one.answer.split("\n")[1]), "matcher": "call"}
    return {"answer": one.answer}


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    tokenizer = Tokenizer()
    for task in TASKS:
        chosen = items(task, LONG if task.endswith("long talk") else COUNT)
        chosen = [one for one in chosen if len(tokenizer.encode(one.prompt())) < ROOM]
        header = {
            "runner_task": 1,
            "kind": "generated",
            "name": task,
            "licence": "MIT",
            "matcher": "exact",
            "sampling": {"temperature": 0.0},
            "max_tokens": REPLY,
            # As `engine.py` does: other batches round otherwise, and flip an answer in a thousand.
            "at_once": SEQUENCES,
            "context": CONTEXT * SEQUENCES,
            "about": f"Held-out questions of tiny: {task}.",
        }
        lines = [header, *(line_of(number, one) for number, one in enumerate(chosen, 1))]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        path = FOLDER / f"{name_of(task)}.jsonl"
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.name}: {len(chosen)}")


if __name__ == "__main__":
    main()
