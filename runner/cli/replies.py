"""A reply as it is shown: the answer on stdout, reasoning and tool calls on stderr; and as JSON."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, get_args

from runner.cli.output import note
from runner.cli.terminal.clean import Cleaner, Trimmer
from runner.cli.terminal.interrupts import on_interrupt
from runner.cli.terminal.progress import PassingLine
from runner.cli.terminal.style import dim
from runner.cli.words import duration
from runner.engine.adapters import Scaled
from runner.engine.events import Event, Finish, Logprobs, Timings
from runner.models import Ready
from runner.prompt import Kind


class Replying(Protocol):
    """A reply under way: the engine's stream, or a conversation's reply."""

    def __iter__(self) -> Iterator[Event]: ...
    def cancel(self) -> None: ...
    @property
    def finish(self) -> Finish: ...


@dataclass(slots=True)
class Said:
    """What a reply said of each kind, to the letter; and its tokens' log-probabilities, if asked
    for, each with its kind."""

    texts: dict[Kind, str] = field(default_factory=lambda: dict.fromkeys(get_args(Kind), ""))
    logprobs: list[tuple[Kind, Logprobs]] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        self.texts[event.kind] += event.text
        self.logprobs += ((event.kind, one) for one in event.logprobs)


class Screen:
    """Shows the events of one reply: the answer on stdout, the rest on stderr.

    `line` is what passes the time until there is something to show. `summary` says how long
    reasoning took; `exact` prints the white space around an answer too.
    """

    def __init__(
        self,
        line: PassingLine,
        *,
        reasoning: bool,
        answer: bool = True,
        summary: bool = True,
        exact: bool = False,
    ) -> None:
        self._line = line
        self._shown = {"reasoning": reasoning, "answer": answer, "tool_call": answer}
        self._summary = summary
        self._exact = exact
        self._kind: Kind | None = None

    def show(self, event: Event) -> None:
        if event.kind != self._kind:
            self.close()
            self._open(event)
        self._latest = event.at
        self._write(self._cleaner.feed(event.text))

    def close(self) -> None:
        """End what is being shown, so that what comes next begins a line."""
        self._line.clear()
        if self._kind is None:
            return
        self._write(self._cleaner.close())
        if self._last not in ("", "\n"):
            print(file=self._stream, flush=True)
        if self._kind == "tool_call" and self._shown["tool_call"]:
            note(f"tool call: {self._call.strip()}")
        if self._kind == "reasoning" and self._summary and self._thought:
            self._sum_up(self._latest - self._started)
        self._kind = None

    def _sum_up(self, seconds: float) -> None:
        """Say how long it thought; of reasoning nobody saw, only what somebody waited for."""
        if self._shown["reasoning"] or seconds >= 1:
            note(f"thought for {duration(seconds)}")
            print(file=sys.stderr, flush=True)

    def _open(self, event: Event) -> None:
        self._kind = event.kind
        self._started = event.at
        self._cleaner, self._trimmer = Cleaner(), Trimmer()
        self._stream = sys.stdout if event.kind == "answer" else sys.stderr
        self._thought = False
        self._call = self._last = ""

    def _write(self, text: str) -> None:
        if not (self._exact and self._kind == "answer"):
            text = self._trimmer.feed(text)
        if not text:
            return
        if self._kind == "reasoning":
            self._thought = True
        if self._kind == "tool_call":
            self._call += text  # shown whole, when it is
        elif self._kind is not None and self._shown[self._kind]:
            self._line.clear()
            styled = text if self._stream is sys.stdout else dim(text, self._stream)
            print(styled, end="", file=self._stream, flush=True)
            self._last = text[-1]
        elif self._kind == "reasoning":
            self._line.show("thinking")


def play(reply: Replying, screen: Screen) -> Said:
    """Show a reply to its end and return what it said. Ctrl-C stops the reply, not the program."""
    said = Said()
    with on_interrupt(reply.cancel):
        try:
            for event in reply:
                said.hear(event)
                screen.show(event)
        finally:
            screen.close()
    return said


def ending(finish: Finish, ready: Ready) -> str | None:
    """Why a reply ended before its end, in a line; None where the model ended it itself."""
    if finish.reason == "length":
        return f"stopped after {finish.timings.reply_tokens} tokens, as --max-tokens says"
    if finish.reason == "context":
        return (
            f"stopped because the context of {ready.model.context_length} tokens is full; "
            "--ctx sets a larger one"
        )
    return "stopped" if finish.reason == "cancelled" else None


def facts(ready: Ready, said: Said, finish: Finish) -> dict[str, Any]:
    """A reply as JSON."""
    placement = ready.placement
    return {
        "model": {
            "name": ready.located.name,
            "quantization": ready.located.quantization,
            "path": str(ready.located.path),
        },
        "answer": said.texts["answer"],
        "reasoning": said.texts["reasoning"],
        "tool_calls": _tool_calls(said.texts["tool_call"]),
        **({} if ready.options.logprobs is None else {"logprobs": _logprobs(ready, said)}),
        "finish": finish.reason,
        "seed": finish.seed,
        "timings": timing_facts(finish.timings) | {"load_seconds": ready.model.load_seconds},
        "sampling": {
            name: {"value": _plain(getattr(ready.sampling, name)), "origin": origin}
            for name, origin in ready.origins.items()
        },
        "placement": {
            "context": ready.model.context_length,
            "threads": placement.threads,
            "gpu_layers": placement.gpu_layers,
            "devices": ready.model.weights.layers_on,
            "kv": placement.kv_type,
        },
        "adapters": {
            "lora": _scaled(ready.model.adapters.loras),
            "control_vector": _scaled(ready.model.adapters.control_vectors),
        },
    }


def _scaled(adapters: Sequence[Scaled]) -> list[dict[str, Any]]:
    return [{"path": str(path), "scale": scale} for path, scale in adapters]


def _plain(value: Any) -> Any:
    """A sampling value for JSON, which knows no infinity: a bias of null forbids its token."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if value == -math.inf else value


def _logprobs(ready: Ready, said: Said) -> list[dict[str, Any]]:
    """Each token of a reply with its log-probability, and the likeliest in its place."""
    piece = ready.model.vocabulary.piece

    def token(number: int, logprob: float) -> dict[str, Any]:
        text = piece(number).decode("utf-8", "replace")
        return {"token": number, "text": text, "logprob": logprob}

    return [
        {
            "kind": kind,
            **token(one.token, one.logprob),
            "likeliest": [token(*other) for other in one.likeliest],
        }
        for kind, one in said.logprobs
    ]


def timing_facts(timings: Timings) -> dict[str, float]:
    """Counts in tokens, durations in seconds, rates in tokens/s, each said in its name."""
    return asdict(timings) | {
        "prefill_tokens_per_second": timings.prefill_rate,
        "decode_tokens_per_second": timings.decode_rate,
    }


def _tool_calls(text: str) -> list[dict[str, Any]]:
    """The calls a reply made; one that cannot be read is kept as its text."""
    from runner.errors import RunnerError
    from runner.prompt import parse_tool_calls

    try:
        calls = parse_tool_calls(text)
    except RunnerError:
        return [{"text": text}]
    return [{"name": call.name, "arguments": call.arguments} for call in calls]
