"""`runner prune`: what Runner left on this disk and nobody needs."""

from typing import Annotated

import typer

from runner.cli import options

DRY_RUN = "Only say what would be deleted."


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=DRY_RUN)] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Delete unfinished fetches and other leftovers.

    Parts of fetches that nobody continues, bytes that no model uses, links to what is gone,
    records of models that are gone, and what was looked at before a download. Files of other
    programs stay.
    """
    settings = options.settings(locals())

    from runner.cli.output import print_json, print_table
    from runner.cli.words import size
    from runner.library import Library
    from runner.library.prune import drop, leftovers

    library = Library()
    found = leftovers(library)
    freed = sum(one.bytes for one in found) if dry_run else drop(library, found)
    if settings.json:
        facts = [{"path": str(one.path), "bytes": one.bytes, "reason": one.reason} for one in found]
        print_json({"pruned": facts, "bytes": freed, "dry_run": dry_run})
        return
    if found:
        rows = [(one.reason, size(one.bytes), str(one.path)) for one in found]
        print_table(("WHAT", "SIZE", "PATH"), rows)
    print(f"{size(freed)} {'would be freed' if dry_run else 'freed'}")
