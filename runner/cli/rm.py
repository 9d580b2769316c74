"""`runner rm`: fetched models deleted from this disk."""

from typing import Annotated

import typer

from runner.cli import options
from runner.errors import ConfigurationError

YES = "Delete without asking."


def rm(
    models: options.Models,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=YES)] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Delete fetched models.

    Asks first at a terminal; elsewhere it needs --yes. What another program fetched stays, and so
    does a model that a running Runner uses.
    """
    settings = options.settings(locals())

    from runner import models as library
    from runner.cli.facts import bytes_of
    from runner.cli.loading import agreed, at_terminal
    from runner.cli.output import print_json
    from runner.cli.terminal.clean import clean
    from runner.cli.words import size

    if not yes and not at_terminal():
        raise ConfigurationError("nobody is here to be asked", remedy="Delete with --yes.")
    # All names are looked up before anything is deleted, so that a slip, or a model that is in use,
    # deletes nothing.
    found = [library.to_remove(name, settings.model_folders or ()) for name in models]
    removed = []
    for located in found:
        much = size(bytes_of(located))
        if not yes and not agreed(f"Delete {clean(located.name)} ({much}, {located.path})?"):
            continue
        gone = library.remove(located)
        removed.append(gone)
        if not settings.json:
            note = f"; {gone.note}" if gone.note else ""
            print(clean(f"deleted {gone.name}, {size(gone.bytes)} freed{note}"))
    if settings.json:
        facts = [
            {"name": one.name, "path": str(one.path), "bytes": one.bytes, "note": one.note}
            for one in removed
        ]
        print_json({"removed": facts})
