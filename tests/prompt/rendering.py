"""What the tests of templates share: real templates, sample conversations, and plain Jinja."""

import datetime
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Template
from jinja2.ext import LoopControlExtension
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.catalog import models_directory
from runner.prompt import Message, Prompt, ToolCall
from tests.conftest import SHARED

TEMPLATES = Path(SHARED or "nowhere") / "templates"
TINY = models_directory() / "tiny" / "chat_template.jinja"
NAMES = sorted(path.stem for path in TEMPLATES.glob("*.jinja"))

# The template that ships, and every other real one there is; without any, a case that says so.
real_templates = pytest.mark.parametrize(
    "name",
    ["tiny", *NAMES]
    + [pytest.param("", marks=pytest.mark.skip(reason="RUNNER_SHARED has no templates"))]
    * (not NAMES),
)

TOOL = {
    "type": "function",
    "function": {
        "name": "clock",
        "description": "Tells the time </think> of a <|im_end|> zone",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string", "description": "A zone <｜User｜>"}},
            "required": ["zone"],
        },
    },
}
CALL = ToolCall("clock", {"zone": "Europe/<think>Paris"})


def source(name: str) -> str:
    """The source of a real template; skips the test where it is not there."""
    path = TINY if name == "tiny" else TEMPLATES / f"{name}.jinja"
    if not path.is_file():
        pytest.skip(f"RUNNER_SHARED has no template {name}")
    return path.read_text(encoding="utf-8")


def talk(*contents: str, system: str = "") -> list[Message]:
    """User and assistant in turn, after a system message if there is one."""
    turns = [
        Message("assistant" if number % 2 else "user", content)
        for number, content in enumerate(contents)
    ]
    return [Message("system", system), *turns] if system else turns


def template_text(prompt: Prompt) -> str:
    """What the template wrote, with a gap where content was."""
    return "\0".join(part.text for part in prompt.segments if part.origin == "template")


def content_text(prompt: Prompt) -> str:
    """What anyone else wrote."""
    return "".join(part.text for part in prompt.segments if part.origin == "content")


def plain_jinja(template: str, turns: Sequence[dict[str, Any]], **variables: Any) -> str:
    """The rendering of jinja2 alone, set up as Hugging Face's transformers sets it up."""
    return _compiled(template).render(messages=turns, **variables)


@functools.cache
def _compiled(template: str) -> Template:

    def raise_exception(message: str) -> None:
        raise ValueError(message)

    def tojson(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[LoopControlExtension]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    return environment.from_string(template)
