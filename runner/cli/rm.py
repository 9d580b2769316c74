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

    Asks first at a terminal; elsewhere it needs --yes.
    """
    settings = options.settings(locals())

    from runner import models as library
    from runner.cli.facts import located_facts
    from runner.cli.loading import agreed, at_terminal
    from runner.cli.output import print_json
    from runner.cli.words import size

    if not yes and not at_terminal():
        raise ConfigurationError("nobody is here to be asked", remedy="Delete with --yes.")
    # All names are looked up before anything is deleted, so that a slip deletes nothing.
    found = [library.locate(name) for name in models]
    removed = []
    for name, located in zip(models, found, strict=True):
        much = size(located_facts(located)["bytes"])
        if not yes and not agreed(f"Delete {located.name} ({much}, {located.path})?"):
            continue
        for path, count in library.remove(name):
            removed.append({"name": located.name, "path": str(path), "bytes": count})
            if not settings.json:
                print(f"deleted {located.name}, {size(count)} freed")
    if settings.json:
        print_json({"removed": removed})
