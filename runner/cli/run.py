"""`runner run`: one answer to stdout."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.cli.stdin import read_text
from runner.errors import INTERRUPTED, ConfigurationError
from runner.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.replies import Said
    from runner.cli.terminal.progress import PassingLine
    from runner.engine.stream import Stream
    from runner.models import Ready
    from runner.prompt import Prompt as AskedPrompt

PROMPT = "What to say; `-`, or nothing, reads it from stdin. Other text on stdin follows it."
Prompt = Annotated[str | None, typer.Argument(metavar="PROMPT", help=PROMPT, show_default=False)]
RAW = "Continue the text as it stands, without a chat template: for base models."
Raw = Annotated[bool, typer.Option("--raw", help=RAW)]


SAMPLES = "Answer this many times; the prompt is read once, and each answer has the next seed."
Samples = Annotated[int, typer.Option("--samples", "-n", min=1, metavar="COUNT", help=SAMPLES)]


@options.every_option
def run(
    model: options.Model,
    prompt: Prompt = None,
    raw: Raw = False,
    samples: Samples = 1,
    *,
    settings: Settings,
) -> None:
    """Answer one prompt on stdout.

    Reasoning goes to stderr, dimmed on a terminal, so that a pipe gets the answer alone.
    """
    text = _text(prompt)
    if not text.strip() and not raw:
        raise ConfigurationError("the prompt is empty", remedy="Say something after MODEL.")
    if raw and settings.system:
        raise ConfigurationError("--raw has no place for --system", remedy="Leave one of them out.")

    from runner.cli.loading import find, load
    from runner.cli.output import print_json, remark
    from runner.cli.replies import facts
    from runner.cli.terminal.progress import PassingLine

    with load(find(model, settings), settings) as ready:
        for line in ready.placement.remarks:
            remark(line, settings)
        passing = PassingLine(settings)
        asked = _prompt(ready, text, settings, raw=raw)
        streams = ready.samples(asked, samples, progress=passing.reading)
        said = _show_all(ready, streams, passing, settings, exact=raw)
        if settings.json:
            each = [facts(ready, one, stream.finish) for one, stream in said]
            print_json(each[0] if samples == 1 else {"samples": each})
        if said[-1][1].finish.reason == "cancelled":
            raise typer.Exit(INTERRUPTED)


def _prompt(ready: "Ready", text: str, settings: Settings, *, raw: bool) -> "AskedPrompt":
    from runner.prompt import Message
    from runner.prompt import Prompt as AskedPrompt

    if raw:
        return AskedPrompt.raw(text)
    system = [Message("system", settings.system)] if settings.system else []
    return ready.prompt([*system, Message("user", text)])


def _show_all(
    ready: "Ready",
    streams: "Sequence[Stream]",
    line: "PassingLine",
    settings: Settings,
    *,
    exact: bool,
) -> "list[tuple[Said, Stream]]":
    """Show one reply after the other, until one is stopped; those shown, with what they said."""
    from runner.cli.output import remark
    from runner.cli.replies import Screen, ending, play

    shows = not settings.json
    reasoning = shows and settings.think != "hide"
    said = []
    for number, stream in enumerate(streams, 1):
        if shows and len(streams) > 1:
            if number > 1:
                print()
            remark(f"answer {number} of {len(streams)}", settings)
        screen = Screen(line, reasoning=reasoning, answer=shows, summary=reasoning, exact=exact)
        said.append((play(stream, screen), stream))
        if shows and (why := ending(stream.finish, ready)):
            remark(why, settings)
        if stream.finish.reason == "cancelled":
            break
    return said


def _text(prompt: str | None) -> str:
    """The prompt and what stdin adds to it, a blank line between."""
    if prompt in (None, "-"):
        if sys.stdin.isatty():
            raise ConfigurationError(
                "there is no prompt",
                remedy="Give one after MODEL or on stdin; for a conversation, use `runner chat`.",
            )
        return read_text()
    parts = (prompt, "" if sys.stdin.isatty() else read_text())
    return "\n\n".join(part for part in parts if part)
