"""`runner update`: what changed at the source of the models on this disk. It changes nothing."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options

if TYPE_CHECKING:
    from runner.models import Change, Source

MODELS = "Only these models; default: all that were fetched."


def update(
    model: Annotated[
        list[str] | None, typer.Argument(help=MODELS, metavar="MODEL...", show_default=False)
    ] = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Say what changed on Hugging Face since models were fetched.

    New commits, other files of the same name, files and repositories that are gone, other licences.
    Fetches and changes nothing.
    """
    settings = options.settings(locals())

    from runner import models
    from runner.cli.loading import asking
    from runner.cli.output import note, print_json, print_table, remark
    from runner.cli.terminal.progress import PassingLine

    line = PassingLine(settings)
    hub = asking(settings, line)["hub"]()
    try:
        sources = models.sources(
            model or (), hub=hub, progress=lambda name: line.show(f"asking about {name}")
        )
    finally:
        line.clear()
    if settings.json:
        print_json({"models": [_facts(source) for source in sources]})
        return
    if not sources:
        remark("no model was fetched yet", settings)
        return
    rows = [
        (source.record.name, source.record.quantization or "", _words(change))
        for source in sources
        for change in source.changes
    ]
    print_table(("NAME", "QUANT", "AT THE SOURCE"), rows)
    changed = any(change.kind == "content" for source in sources for change in source.changes)
    if changed and not settings.quiet:
        note(
            "nothing was fetched; `runner pull` takes what a repository holds now, and for a name "
            "of the catalogue with --accept-new"
        )


def _facts(source: "Source") -> dict[str, Any]:
    """A model and its changes; a single one of the kind "same" says that nothing changed."""
    record = source.record
    return {
        "name": record.name,
        "quantization": record.quantization,
        "repository": record.repository,
        "commit": record.commit,
        "changes": [asdict(change) for change in source.changes],
    }


def _words(change: "Change") -> str:
    from runner.models.update import WORDS

    said = WORDS[change.kind]
    if change.kind == "closed":
        return f"{said}: {change.now}"
    if change.kind == "file gone":
        return f"{said}: {change.was}"
    if change.kind == "licence":
        return f"{said}: {change.now or 'none'}, fetched under {change.was}"
    if change.was and change.now:
        return f"{said}: {change.was[:12]} then, {change.now[:12]} now"
    return said
