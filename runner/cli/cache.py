"""`runner cache`: prompts that were read once and are kept on disk."""

from typing import Annotated

import typer

from runner.cli import options

PURGE = "Delete what is kept, of MODEL or of all models."
MODEL = "Only what is kept for this model, by the name that the table shows."


def cache(
    model: Annotated[str | None, typer.Argument(help=MODEL, show_default=False)] = None,
    purge: Annotated[bool, typer.Option("--purge", help=PURGE)] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """List or delete the prompts kept on disk.

    What a model has read is kept, so that it is not read again; --kv-store sets how much.
    """
    settings = options.settings(locals())

    from runner import models
    from runner.cli.output import note, print_json, print_table
    from runner.cli.words import ago, size

    def remark(text: str) -> None:
        if not settings.quiet:
            note(text)

    if purge:
        freed = models.purge_prompts(model, remark)
        print_json({"freed": freed}) if settings.json else print(f"{size(freed)} freed")
        return
    kept = [one for one in models.kept_prompts(remark) if model in (None, one.model)]
    if settings.json:
        facts = [one._asdict() | {"used": one.used.isoformat()} for one in kept]
        print_json({"prompts": facts, "bytes": sum(one.bytes for one in kept)})
        return
    rows = [(one.model, str(one.tokens), size(one.bytes), ago(one.used)) for one in kept]
    print_table(("MODEL", "TOKENS", "SIZE", "USED"), rows)
    if not settings.quiet:
        note(f"{size(sum(one.bytes for one in kept))} in all; runner cache --purge deletes it")
