"""A chat at a terminal begins with its prompt: what computes is imported behind it, and so is the
rest of the command line, which takes longer to import than a person waits gladly."""

import os
import sys
from collections.abc import Sequence

from runner.cli.streams import replace_unencodable
from runner.errors import ConfigurationError
from runner.settings import Settings, load

EARLIER = ("--resume", "-r")
LATEST = ("--continue", "-c")

Wish = tuple[str | None, str | None]
"""The model that was named, and the conversation to go on with; empty means the latest."""


def main(arguments: Sequence[str]) -> bool:
    """Chat, if `arguments` are those of a chat as it is mostly typed, at a terminal that has a
    screen; then the process ends. False where the whole command line has to look at them."""
    wish = simple(arguments)
    if wish is None:
        return False
    try:
        settings = load({})
    except ConfigurationError:
        return False
    if settings.persona or settings.logprobs is not None or not has_screen(settings):
        return False
    replace_unencodable()
    try:
        chat(settings, *wish)
    except BaseException as error:
        _explain(error)
    sys.exit()


def simple(arguments: Sequence[str]) -> Wish | None:
    """What `chat [MODEL] [--continue | --resume WORDS]` asks for; None of anything else."""
    if arguments[:1] != ["chat"]:
        return None
    model = earlier = None
    rest = list(arguments[1:])
    while rest:
        word = rest.pop(0)
        if word in LATEST and earlier is None:
            earlier = ""
        elif word in EARLIER and earlier is None and rest and rest[0]:
            earlier = rest.pop(0)
        elif word and not word.startswith("-") and model is None:
            model = word
        else:
            return None
    return model, earlier


def has_screen(settings: Settings) -> bool:
    """Whether a person is at a terminal on which rows can be drawn again."""
    return (
        sys.stdin.isatty()
        and sys.stdout.isatty()
        and not settings.json
        and not settings.plain
        and os.environ.get("TERM") != "dumb"
        and _understands_sequences()
    )


def _understands_sequences() -> bool:
    """Whether the terminal obeys escape sequences; consoles of old Windows do not."""
    if sys.platform == "win32":
        from prompt_toolkit.output.windows10 import is_win_vt100_enabled

        return is_win_vt100_enabled()
    return True


def chat(settings: Settings, model: str | None, earlier: str | None) -> None:
    """A chat on the screen, until the person leaves."""
    from runner.cli.terminal.screen import TerminalFace

    face = TerminalFace(settings)

    def talk() -> None:
        from runner.cli.talk.opening import talk

        talk(face, settings, model, earlier)

    face.run(talk)


def _explain(error: BaseException) -> None:
    """End as a command does that raised `error`."""
    import typer

    from runner.cli.errors import explained

    def fail() -> None:
        raise error

    try:
        explained(fail)()
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
