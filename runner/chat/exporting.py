"""Conversations written out: as Markdown or HTML to be read, as JSON that loses nothing, or as
messages in OpenAI's form for other programs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from runner.chat.dialogue import Dialogue
from runner.chat.formats import html, markdown, openai, own

Form = Literal["markdown", "json", "html", "openai"]

WRITERS: dict[Form, Callable[[Sequence[Dialogue]], str]] = {
    "markdown": markdown.write,
    "json": own.write,
    "html": html.write,
    "openai": openai.write,
}
ENDINGS: dict[str, Form] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "markdown",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "openai",
}


def form_of(path: Path) -> Form | None:
    """The form that a file's name asks for; None where it asks for none."""
    return ENDINGS.get(path.suffix.lower())


def exported(dialogues: Sequence[Dialogue], form: Form) -> str:
    """The conversations in this form, as text that ends in a line feed."""
    return WRITERS[form](dialogues)


def left_out(dialogues: Sequence[Dialogue], form: Form) -> str:
    """What the form has no place for and these conversations have, in words; empty for nothing."""
    if form == "json":
        return ""
    turns = [turn for dialogue in dialogues for turn in dialogue.path]
    branches = sum(dialogue.other_branches for dialogue in dialogues)
    documents = sum(len(turn.attachments) for turn in turns)
    lost = []
    if branches:
        lost.append(f"{branches} other branch{'es' if branches > 1 else ''}")
    if form == "openai" and any(turn.reasoning for turn in turns):
        lost.append("the reasoning")
    if form != "openai" and documents:
        lost.append(f"the text of {documents} document{'s' if documents > 1 else ''}")
    return " and ".join(filter(None, (", ".join(lost[:-1]), *lost[-1:])))
