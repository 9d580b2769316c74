"""`runner export`: a lock file that makes another machine fetch the same bits."""

from pathlib import Path
from typing import Annotated

import typer

from runner.cli import options

LOCK = "The file to write."
NAMES = "Models to lock. Default: all that were fetched."


def export(
    lock: Annotated[Path, typer.Argument(help=LOCK, metavar="LOCK", show_default=False)],
    models: Annotated[
        list[str] | None,
        typer.Argument(help=NAMES, metavar="[MODEL]...", show_default=False),
    ] = None,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Write a lock file of fetched models.

    `runner pull --from LOCK` fetches the same files on another machine, or fails.
    """
    settings = options.settings(locals())

    from runner import models as library
    from runner.cli.output import print_json, remark
    from runner.errors import UnknownModel
    from runner.library import Library
    from runner.models.lock import write_lock

    records = []
    for name in models or ():
        located = library.locate(name, settings.model_folders or ())
        if located.record is None:
            raise UnknownModel(
                f"{located.name} was not fetched by Runner, which knows no commit of it",
                remedy="`runner pull` records one.",
            )
        records.append(located.record)
    if not models:
        records = Library().records()
        for record in records:
            if not record.repository:
                remark(f"{record.name} was made on this machine and is left out", settings)
        records = [record for record in records if record.repository]
    write_lock(lock, records)
    if settings.json:
        print_json({"path": str(lock), "models": [record.name for record in records]})
    else:
        print(f"{lock}   {len(records)} {'model' if len(records) == 1 else 'models'}")
