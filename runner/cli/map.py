"""`runner map`: many prompts in, many answers out."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.errors import INTERRUPTED, ConfigurationError, DiskError
from runner.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from runner.chat.batch import Line

INPUT = (
    "A file with a prompt in each line: a JSON string, or an object with `prompt` or `messages`, "
    "and perhaps `id`, `system`, `max_tokens`, `temperature`, `seed`. `-` reads stdin."
)
OUTPUT = "The file for the answers, a line of JSON each, in order. Left out: stdout."
AT_ONCE = "Answer this many prompts at once. They share the context."
CHAT_ONLY = (
    "file",
    "tool",
    "mcp",
    "allow_tool",
    "save",
    "when_full",
    "keys",
    "plain",
    "json",
    "logprobs",
)
Input = Annotated[str, typer.Argument(metavar="IN.jsonl", help=INPUT, show_default=False)]
Output = Annotated[
    Path | None, typer.Argument(metavar="OUT.jsonl", help=OUTPUT, show_default=False)
]
AtOnce = Annotated[int, typer.Option("--at-once", min=1, max=64, metavar="COUNT", help=AT_ONCE)]


@options.every_option_but(*CHAT_ONLY)
def map_prompts(
    model: options.Model,
    source: Input,
    target: Output = None,
    at_once: AtOnce = 8,
    *,
    settings: Settings,
) -> None:
    """Answer many prompts, a line of JSON each.

    The same command goes on where an earlier one was stopped. A prompt that cannot be answered has
    an `error` in its line, and the others are answered all the same. Nothing of it is kept but OUT.
    """
    from runner.chat.batch import answered
    from runner.cli.loading import find, load
    from runner.cli.output import remark
    from runner.cli.terminal.interrupts import on_interrupt

    if settings.file:
        raise ConfigurationError(
            "documents do not go with many prompts", remedy="Leave --file out."
        )
    lines = _read(source)
    located = find(model, settings)
    with _opened(target) as output:
        done = _done(output, lines) if target else 0
        if done:
            remark(f"{done} of {len(lines)} were answered before", settings)
        if done == len(lines):
            return
        stop: list[bool] = []
        failed = 0
        with (
            load(located, settings, sequences=at_once) as ready,
            _bar(settings, len(lines), done) as advance,
            on_interrupt(lambda: stop.append(True)),
        ):
            records = answered(
                ready,
                lines[done:],
                at_once=at_once,
                system=settings.system or "",
                stopped=lambda: bool(stop),
            )
            for record in records:
                _write(output, json.dumps(record, ensure_ascii=True))
                done += 1
                failed += "error" in record
                advance()
    if failed:
        remark(f"{failed} could not be answered; their lines say why", settings)
    if stop:
        if target is not None:
            remark(f"stopped after {done} of {len(lines)}; the same command goes on", settings)
        raise typer.Exit(INTERRUPTED)


def _read(source: str) -> "list[Line]":
    from runner.chat.batch import lines_of
    from runner.cli.stdin import read_text

    if source == "-":
        text = read_text()
    else:
        try:
            text = Path(source).expanduser().read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise ConfigurationError(f"{source} cannot be read: {reason}") from error
    lines = list(lines_of(text.split("\n")))
    if not lines:
        raise ConfigurationError(f"{source} has no prompts", remedy="A line is a prompt.")
    return lines


@contextmanager
def _opened(target: Path | None) -> Iterator[IO[bytes]]:
    """The output, to be read from its start and written at its end."""
    if target is None:
        yield sys.stdout.buffer
        return
    try:
        file = target.expanduser().open("a+b")
    except OSError as error:
        raise DiskError(f"{target} cannot be written: {error.strerror}") from error
    with file:
        yield file


def _done(output: IO[bytes], lines: "list[Line]") -> int:
    """How many lines an earlier run answered. What it was cut off in is taken off; a file that is
    no output of these prompts is left as it is. Raises ConfigurationError."""
    from runner.chat.batch import BEGINNING, done_already

    output.seek(0)
    data = output.read()
    whole = data[: data.rfind(b"\n") + 1]
    cut = data[len(whole) :].decode("utf-8", "replace")
    done = done_already(whole.decode("utf-8", "replace").splitlines(), lines)
    if cut and not (cut.startswith(BEGINNING) or BEGINNING.startswith(cut)):
        raise ConfigurationError(
            "the output ends with what is no answer", remedy="Name another output."
        )
    output.truncate(len(whole))
    return done


def _write(output: IO[bytes], line: str) -> None:
    try:
        output.write(line.encode() + b"\n")
        output.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DiskError(
            f"the answers cannot be written: {error.strerror}",
            remedy="Make room; the same command goes on where it stopped.",
        ) from error


@contextmanager
def _bar(settings: Settings, total: int, done: int) -> Iterator[Callable[[], None]]:
    """A bar for a person who watches stderr; elsewhere nothing."""
    if settings.quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    with _made() as bar:
        task = bar.add_task("answered", total=total, completed=done)
        yield lambda: bar.advance(task)


def _made() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
