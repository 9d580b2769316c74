"""Many prompts from lines of JSON, answered through one model, several at once and in order.

A line is a prompt as a JSON string; or an object with `prompt`, and perhaps `system`, or with
`messages` as OpenAI writes them; and with an `id`, `max_tokens`, `temperature` and `seed` of its
own. What a line is answered with carries a digest of the line, by which an interrupted run goes on.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from runner.errors import ConfigurationError, DeviceError, RunnerError
from runner.prompt import Kind, Message, Role

if TYPE_CHECKING:
    from runner.engine.options import Options
    from runner.engine.stream import Stream
    from runner.models import Ready

AHEAD = 4
"""Lines handed to the model for each that it answers at once: a long answer then holds up none of
the lines that follow, until so many are waiting to be written after it."""

BEGINNING = '{"line": '
"""How every record begins."""

OWN = ("id", "prompt", "system", "messages", "max_tokens", "temperature", "seed")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the input: its number from 1, its text, and its digest."""

    number: int
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a line asks."""

    id: Any
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None

    def within(self, options: "Options") -> "Options":
        """These options, as the line wants them."""
        own: dict[str, Any] = {"temperature": self.temperature, "seed": self.seed}
        sampling = {name: value for name, value in own.items() if value is not None}
        return replace(
            options,
            sampling=replace(options.sampling, **sampling),
            max_tokens=options.max_tokens if self.max_tokens is None else self.max_tokens,
            private=True,
        )


def lines_of(text: Iterable[str]) -> Iterator[Line]:
    """The lines that are not blank, with the numbers they have among all."""
    for number, line in enumerate(text, 1):
        if line.strip():
            yield Line(number, line.strip())


def wish_of(line: Line, system: str = "") -> Wish:
    """What a line asks; `system` is told first where the line says nothing of its own.

    Raises ConfigurationError for a line that is none.
    """
    try:
        said = json.loads(line.text)
    except (ValueError, RecursionError) as error:
        raise _wrong(line, f"is not JSON: {error}") from error
    if isinstance(said, str):
        said = {"prompt": said}
    if not isinstance(said, dict):
        raise _wrong(line, "is neither text nor an object")
    if unknown := [name for name in said if name not in OWN]:
        raise _wrong(line, f"has {unknown[0]!r}, which means nothing here")
    if ("prompt" in said) == ("messages" in said):
        raise _wrong(line, "needs either `prompt` or `messages`")
    return Wish(
        said.get("id"),
        _messages(line, said, system),
        max_tokens=_number(line, said, "max_tokens", int, 1),
        temperature=_number(line, said, "temperature", float, 0),
        seed=_number(line, said, "seed", int, 0),
    )


def _messages(line: Line, said: dict[str, Any], system: str) -> tuple[Message, ...]:
    turns: list[Message] = []
    for turn in said.get("messages", [{"role": "user", "content": said.get("prompt")}]):
        role: Any = turn.get("role") if isinstance(turn, dict) else None
        if role not in get_args(Role) or not isinstance(turn.get("content"), str):
            raise _wrong(line, "has a turn that is not a role and text")
        turns.append(Message(role, turn["content"]))
    if not turns:
        raise _wrong(line, "has no messages")
    told = said.get("system", system if turns[0].role != "system" else "")
    if not isinstance(told, str):
        raise _wrong(line, "has a `system` that is not text")
    return (*([Message("system", told)] if told else ()), *turns)


def _number(
    line: Line, said: dict[str, Any], name: str, kind: type[int] | type[float], least: float
) -> Any:
    value = said.get(name)
    if value is None:
        return None
    fits = isinstance(value, int | kind) and not isinstance(value, bool)
    if not fits or not least <= value <= 2**31 - 1:
        raise _wrong(line, f"has {name} {value!r}, which must be a number from {least:g}")
    return kind(value)


def _wrong(line: Line, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"line {line.number} {what}",
        remedy='A line is "text", {"prompt": "text"} or {"messages": [{"role": "user", …}]}.',
    )


def answered(
    ready: "Ready",
    lines: Iterable[Line],
    *,
    at_once: int,
    system: str = "",
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[dict[str, Any]]:
    """The record of each line, in order. A line that cannot be answered has an `error` in its
    record. Ends early, and cancels what is under way, where `stopped` says so between two tokens.

    Raises DeviceError where a worker is lost, which no other line would survive.
    """
    under_way: deque[tuple[Line, Wish | None, Stream | RunnerError]] = deque()
    rest = iter(lines)
    try:
        while not stopped():
            while len(under_way) < at_once * AHEAD and (line := next(rest, None)) is not None:
                under_way.append((line, *_begun(ready, line, system)))
            if not under_way:
                return
            line, wish, stream = under_way[0]
            record = _record(line, wish, stream, stopped)
            if record is None:
                return
            under_way.popleft()
            yield record
    finally:
        for _, _, stream in under_way:
            if not isinstance(stream, RunnerError):
                stream.cancel()


def _begun(ready: "Ready", line: Line, system: str) -> "tuple[Wish | None, Stream | RunnerError]":
    wish = None
    try:
        wish = wish_of(line, system)
        prompt = ready.prompt(wish.messages)
        return wish, ready.model.generate(prompt, wish.within(ready.options))
    except RunnerError as error:
        return wish, error


def _record(
    line: Line,
    wish: Wish | None,
    stream: "Stream | RunnerError",
    stopped: Callable[[], bool],
) -> dict[str, Any] | None:
    """What a line was answered with; None where it was stopped before its end."""
    record: dict[str, Any] = {"line": line.number, "input": line.digest}
    if wish is not None and wish.id is not None:
        record["id"] = wish.id
    texts = dict.fromkeys(get_args(Kind), "")
    try:
        if isinstance(stream, RunnerError):
            raise stream
        for event in stream:
            if stopped():
                return None
            texts[event.kind] += event.text
    except DeviceError:
        raise
    except RunnerError as error:
        facts = {"kind": type(error).__name__, "message": error.message, "remedy": error.remedy}
        return record | {"error": facts | {"exit_code": error.exit_code}}
    if stream.finish.reason == "cancelled":
        return None
    return record | {
        "answer": texts["answer"].strip(),
        "reasoning": texts["reasoning"].strip(),
        **({"tool_calls": texts["tool_call"].strip()} if texts["tool_call"].strip() else {}),
        "finish": stream.finish.reason,
        "seed": stream.finish.seed,
        "timings": asdict(stream.finish.timings),
    }


def done_already(records: Iterable[str], lines: Iterable[Line]) -> int:
    """How many of the lines an earlier run answered, by the records it left, which are whole.

    Raises ConfigurationError where they answer other lines than these.
    """
    count = 0
    rest = iter(lines)
    for count, text in enumerate(records, 1):
        try:
            digest = json.loads(text)["input"]
        except (ValueError, KeyError, TypeError):
            digest = None
        line = next(rest, None)
        if digest is None or line is None or line.digest != digest:
            raise ConfigurationError(
                f"line {count} of the output does not answer line {line.number} of the input"
                if line is not None
                else "the output has more lines than the input",
                remedy="Name another output, or delete this one to begin anew.",
            )
    return count
