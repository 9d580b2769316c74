"""Conversations read in from other programs, told apart by what is in the file.

What is in it was written elsewhere: it is read as text and never run, a conversation that makes no
sense is left out and told, and nothing in a file can fill the memory beyond a stated size. Nor can
it set what would reach another machine or read other files when the conversation is taken up again.
"""

import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.chat.dialogue import Dialogue
from runner.chat.formats import chatgpt, llm, openai, own
from runner.chat.formats.checked import loads
from runner.chat.personas.persona import NAME
from runner.errors import ConfigurationError
from runner.settings import OPTIONS

LARGEST = 10**9
"""Bytes of a file, or of what a zip file holds, that are read."""

MEMBER = re.compile(r"(?:^|/)conversations(?:-\d+)?\.json$")
"""Where a ChatGPT export has its conversations; a large one has several such files."""

BELIEVED = {one.name for one in OPTIONS if one.in_chat and not one.reaches_out}
"""Options that a conversation from elsewhere may have set."""

KNOWN = (
    "Runner reads its own JSON, a ChatGPT export (the zip file or its conversations.json), the "
    "logs.db of llm, and messages as OpenAI's API has them (JSON or JSONL)."
)


@dataclass(slots=True)
class Found:
    """What a file holds: of which kind it is, its conversations, and what is wrong with others."""

    kind: str
    dialogues: list[Dialogue] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def take(self, conversations: Iterable[Dialogue | ValueError]) -> "Found":
        for number, one in enumerate(conversations, 1):
            if isinstance(one, Dialogue):
                self.dialogues.append(self._tamed(one, number))
            else:
                self.problems.append(f"conversation {number}: {one}")
        return self

    def _tamed(self, dialogue: Dialogue, number: int) -> Dialogue:
        """The conversation without what a file may not set."""
        settings = {
            name: value for name, value in dialogue.settings.items() if _may_be_set(name, value)
        }
        persona = dialogue.persona
        if persona is not None and not NAME.fullmatch(persona):
            persona = None  # a path
        lost = [repr(name) for name in dialogue.settings if name not in settings]
        if persona != dialogue.persona:
            lost.append(f"the persona {dialogue.persona!r}")
        if lost:
            what = f"what conversation {number} would set and a file may not: {', '.join(lost)}"
            self.problems.append(what)
        return replace(dialogue, settings=settings, persona=persona)


def _may_be_set(name: str, value: object) -> bool:
    if name == "json_schema":  # itself, not the name of a file
        return isinstance(value, str) and value.lstrip().startswith("{")
    return name in BELIEVED


def read(path: Path) -> Found:
    """The conversations in a file. Raises ConfigurationError where it cannot be read or holds
    nothing that is known."""
    try:
        return _read(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}", remedy=KNOWN) from error


def _read(path: Path) -> Found:
    with path.open("rb") as file:
        start = file.read(16)
    if start == b"SQLite format 3\0":
        return Found("llm's log").take(llm.read(path))
    if start.startswith(b"PK\x03\x04"):
        return _zip(path)
    _require_size(path.stat().st_size)
    return _json(path.read_bytes())


def _zip(path: Path) -> Found:
    """A ChatGPT export as it is downloaded. Nothing is unpacked to the disk."""
    found = Found("ChatGPT export")
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if MEMBER.search(one.filename)]
            _require_size(sum(one.file_size for one in members))
            for member in sorted(members, key=lambda one: one.filename):
                part = _json(archive.read(member))
                found.dialogues += part.dialogues
                found.problems += part.problems
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(f"it is a zip file that cannot be read: {error}") from error
    if not members:
        raise ValueError("it is a zip file without a conversations.json")
    return found


def _json(data: bytes) -> Found:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is no text in UTF-8, and no database") from error
    try:
        value = loads(text)
    except json.JSONDecodeError as error:
        value = _lines(text, error)
    if isinstance(value, dict) and value.get("format") == own.FORMAT:
        return Found("Runner export").take(own.read(value))
    conversations = value if isinstance(value, list) else [value]
    if any(chatgpt.is_one(one) for one in conversations):
        return Found("ChatGPT export").take(_trees(conversations))
    found = Found("OpenAI messages").take(openai.read(value))
    if not found.dialogues:
        raise ValueError(
            "it has no conversations" + "".join(f"; {why}" for why in found.problems[:1])
        )
    return found


def _lines(text: str, whole: json.JSONDecodeError) -> list[object]:
    """The values of JSON lines. Where not even the first line is JSON, what `whole` says holds."""
    values: list[object] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                values.append(loads(line))
            except json.JSONDecodeError as error:
                if not values:
                    raise ValueError(f"it is not JSON: {whole}") from whole
                raise ValueError(f"line {number} is not JSON: {error}") from error
    return values


def _trees(conversations: Iterable[object]) -> Iterable[Dialogue | ValueError]:
    for one in conversations:
        try:
            if not isinstance(one, dict) or not chatgpt.is_one(one):
                raise ValueError("it has no mapping")
            yield chatgpt.read(one)
        except ValueError as error:
            yield error


def _require_size(size: int) -> None:
    if size > LARGEST:
        raise ValueError(f"it holds {size} bytes; more than {LARGEST} are not read")
