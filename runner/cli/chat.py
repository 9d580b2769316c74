"""`runner chat`: a conversation at the terminal, or, from a pipe, one line a turn."""

import sys
from typing import Annotated

import typer

from runner.cli import options
from runner.errors import ConfigurationError
from runner.settings import Settings

CONTINUE = "Go on with the latest conversation, with its model unless MODEL names another."
RESUME = "Go on with this conversation: its number, or words of its title or of what was said."
Continued = Annotated[bool, typer.Option("--continue", "-c", help=CONTINUE)]
Resumed = Annotated[
    str | None,
    typer.Option("--resume", "-r", metavar="NUMBER|WORDS", help=RESUME, show_default=False),
]


@options.every_option
def chat(
    model: options.OptionalModel = None,
    continued: Continued = False,
    resumed: Resumed = None,
    *,
    settings: Settings,
) -> None:
    """Talk with a model.

    Conversations are kept, each under a number, for their owner alone; `runner chats` lists them.
    Where stdin is not a terminal, each of its lines is a turn.
    """
    if continued and resumed is not None:
        raise ConfigurationError(
            "--continue and --resume both name a conversation", remedy="Leave one of them out."
        )
    earlier = "" if continued else resumed
    if earlier is not None and settings.save is False:
        raise ConfigurationError(
            "an earlier conversation is kept, and goes on being kept",
            remedy="Leave --no-save out; /export in the chat writes one to a file.",
        )

    from runner.cli import at_once

    if at_once.has_screen(settings):
        at_once.chat(settings, model, earlier)
    else:
        from runner.cli.talk.opening import talk
        from runner.cli.talk.plain import PlainFace

        interactive = sys.stdin.isatty() and sys.stdout.isatty() and not settings.json
        talk(PlainFace(settings, interactive=interactive), settings, model, earlier)
