"""`runner search`: models by words, in the catalogue, on this disk and on the Hub."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from runner.cli import options

if TYPE_CHECKING:
    from datetime import datetime

    from runner.catalog import Entry
    from runner.hub import Found
    from runner.models import Located
    from runner.settings import Settings

WORDS = "Words of a model's name."
SORT = "What the Hub's results are sorted by, the most first."
LIMIT = "How many results of the Hub to show at most."

Sort = Literal["downloads", "likes", "updated", "trending"]


def search(
    words: Annotated[list[str], typer.Argument(help=WORDS, metavar="WORDS", show_default=False)],
    sort: Annotated[Sort, typer.Option("--sort", help=SORT)] = "downloads",
    limit: Annotated[int, typer.Option("--limit", help=LIMIT, min=1, max=1000)] = 20,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Look for a model by words.

    First in the catalogue and on this disk, then among the GGUF repositories of Hugging Face.
    """
    settings = options.settings(locals())

    from runner import models
    from runner.cli.output import print_json

    text = " ".join(words)
    entries, here = models.known(text), models.found_here(text)
    if settings.json:
        found = _on_hub(text, sort, limit, settings)
        print_json(_facts(entries, here, found))
        return
    _print_catalogue(entries, {located.name for located in here})
    _print_here(here)
    found = _on_hub(text, sort, limit, settings)
    if found is not None:
        _print_hub(found)


def _on_hub(text: str, sort: str, limit: int, settings: "Settings") -> "list[Found] | None":
    """What the Hub has; None, and a remark, where it is not to be asked."""
    from runner.cli.output import remark
    from runner.errors import OfflineError
    from runner.hub import Hub

    hub = Hub(offline=bool(settings.offline), remark=lambda line: remark(line, settings))
    try:
        return hub.search(text, sort=sort, limit=limit)
    except OfflineError:
        remark("offline: the Hub was not asked", settings)
        return None


def _facts(
    entries: "list[Entry]", here: "list[Located]", found: "list[Found] | None"
) -> dict[str, Any]:
    """`hub` is null where the Hub was not asked."""
    from runner.cli.facts import entry_facts, located_facts

    hub = None if found is None else [_found_facts(each) for each in found]
    return {
        "catalogue": [entry_facts(entry) for entry in entries],
        "here": [located_facts(located) for located in here],
        "hub": hub,
    }


def _found_facts(found: "Found") -> dict[str, Any]:
    facts = asdict(found)
    facts["updated"] = found.updated.isoformat() if found.updated else None
    return facts


def _print_catalogue(entries: "list[Entry]", here: set[str]) -> None:
    from runner.cli.output import print_table
    from runner.cli.words import count

    if not entries:
        return
    print("In the catalogue:")
    rows = [
        (
            entry.name,
            count(entry.parameters),
            entry.licence,
            entry.distilled_from,
            "yes" if entry.name in here else "",
        )
        for entry in entries
    ]
    print_table(("NAME", "PARAMETERS", "LICENCE", "DISTILLED FROM", "HERE"), rows)
    print()


def _print_here(here: "list[Located]") -> None:
    from runner.cli.facts import located_facts
    from runner.cli.output import print_table
    from runner.cli.words import size

    if not here:
        return
    print("On this disk:")
    rows = []
    for located in here:
        fact = located_facts(located)
        rows.append((located.name, located.quantization or "", size(fact["bytes"]), fact["path"]))
    print_table(("NAME", "QUANT", "SIZE", "PATH"), rows)
    print()


def _print_hub(found: "list[Found]") -> None:
    from runner.cli.output import print_table
    from runner.cli.words import count

    if not found:
        print("The Hub has no GGUF repository whose name holds these words.")
        return
    print("On the Hub:")
    rows = [
        (
            each.repository,
            count(each.parameters),
            each.licence or "",
            count(each.downloads),
            _day(each.updated),
            ", ".join(each.base_models),
            each.gate or "",
        )
        for each in found
    ]
    heads = ("NAME", "PARAMETERS", "LICENCE", "DOWNLOADS", "UPDATED", "BASE MODEL", "GATED")
    print_table(heads, rows)


def _day(moment: "datetime | None") -> str:
    return moment.date().isoformat() if moment else ""
