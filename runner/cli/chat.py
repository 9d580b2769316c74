"""`runner chat`: a conversation at the terminal, or, from a pipe, one line a turn."""

import sys
from typing import TYPE_CHECKING

from runner.cli import options
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.models import Located, Ready


@options.every_option
def chat(model: options.OptionalModel = None, *, settings: Settings) -> None:
    """Talk with a model.

    Where stdin is not a terminal, each of its lines is a turn.
    """
    from runner.cli.loading import find, load
    from runner.cli.output import remark
    from runner.cli.talk import Talk
    from runner.cli.terminal.keyboard import Keyboard, Pipe

    located = find(model, settings)
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    with load(located, settings) as ready:
        remark(header(ready), settings)
        for line in ready.placement.remarks:
            remark(line, settings)
        if model is None and located.record is None:
            _suggest(located, settings)
        talk = Talk(ready, settings, interactive=interactive)
        talk.run(Keyboard(talk.typing) if interactive else Pipe())


def header(ready: "Ready") -> str:
    """The model, its context and what computes it, in a line."""
    placement, name = ready.placement, ready.located.name
    if ready.located.quantization and ready.located.record is not None:
        name = f"{name} {ready.located.quantization}"
    name = " + ".join((name, *ready.model.adapters.names))
    threads = f"{placement.threads} thread{'s' if placement.threads != 1 else ''}"
    gpus = [device for device in ready.model.weights.layers_on if device != "CPU"]
    where = f"{' and '.join(gpus) or 'CPU'}, {threads}"
    return f"{name} · context {ready.model.context_length} · {where} · /help lists commands"


def _suggest(located: "Located", settings: Settings) -> None:
    """How to get a model larger than the shipped one, for a person who named none."""
    from runner.cli.output import remark

    remark(
        f"{located.name} is the small model inside Runner; "
        "`runner recommend` names larger ones that suit this machine",
        settings,
    )
