"""`runner list`: the models on this disk, or those of the catalogue."""

from typing import Annotated

import typer

from runner.cli import options

ALL = "List the catalogue's models instead: what `runner pull` knows by name."


def list_models(
    all: Annotated[bool, typer.Option("--all", help=ALL)] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """List the models on this disk."""
    settings = options.settings(locals())
    _list_catalogue(bool(settings.json)) if all else _list_here(bool(settings.json))


def _list_here(as_json: bool) -> None:
    from runner import models
    from runner.cli.facts import located_facts
    from runner.cli.output import print_json, print_table
    from runner.cli.words import ago, size

    here = models.here()
    facts = [located_facts(located) for located in here]
    if as_json:
        print_json({"models": facts})
        return
    rows = []
    for located, fact in zip(here, facts, strict=True):
        used = "comes with Runner" if fact["shipped"] else ""
        if located.record is not None:
            used = ago(located.record.used_at)
        row = (located.name, located.quantization or "", size(fact["bytes"]), used, fact["path"])
        rows.append(row)
    print_table(("NAME", "QUANT", "SIZE", "USED", "PATH"), rows)


def _list_catalogue(as_json: bool) -> None:
    from runner import models
    from runner.catalog import load_catalog
    from runner.cli.facts import entry_facts
    from runner.cli.output import print_json, print_table
    from runner.cli.words import size

    entries = load_catalog().entries
    if as_json:
        print_json({"catalogue": [entry_facts(entry) for entry in entries]})
        return
    here = {located.name for located in models.here()}
    rows = []
    for entry in entries:
        default = entry.quantizations[0] if entry.quantizations else None
        weight = size(default.bytes) if default and default.bytes else ""
        quantization = default.name if default else ""
        mark = "yes" if entry.name in here else ""
        rows.append((entry.name, quantization, weight, entry.licence, mark))
    print_table(("NAME", "QUANT", "SIZE", "LICENCE", "HERE"), rows)
