"""`runner completion`: what a shell has to be told to complete Runner's commands and models."""

from typing import Annotated

import typer

from runner.cli.complete.scripts import SCRIPTS

SHELL = "The shell to write the script for."


def completion(
    shell: Annotated[
        str, typer.Argument(help=SHELL, metavar="|".join(SCRIPTS), show_default=False)
    ],
) -> None:
    """Print the script that lets a shell complete commands, options and models.

    Its first lines say where it belongs.
    """
    from runner.cli.complete.outline import refresh
    from runner.errors import ConfigurationError

    if shell not in SCRIPTS:
        raise ConfigurationError(
            f"there is no script for {shell}", remedy=f"There is one for {', '.join(SCRIPTS)}."
        )
    refresh()  # so that already the first Tab is quick
    print(SCRIPTS[shell], end="")
