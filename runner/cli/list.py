"""`runner list`: the models on this disk, or those of the catalogue."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options

if TYPE_CHECKING:
    from runner.models import Located
    from runner.settings import Settings

ALL = "List the models of other programs too: they run without a copy."
CATALOGUE = "List what `runner pull` knows by name instead."


def list_models(
    all: Annotated[bool, typer.Option("--all", help=ALL)] = False,
    catalogue: Annotated[bool, typer.Option("--catalogue", help=CATALOGUE)] = False,
    model_folders: options.ModelFolders = None,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """List the models on this disk.

    With --all, also those that other programs fetched: the Hugging Face cache, LM Studio, Ollama,
    and the folders that --model-folders names.
    """
    settings = options.settings(locals())
    _list_catalogue(settings) if catalogue else _list_here(settings, all)


def _list_here(settings: "Settings", others: bool) -> None:
    from runner import models
    from runner.cli.output import print_json, print_table

    found = models.here()
    if others:
        found += models.of_others(settings.model_folders or ())
    contexts = models.contexts(found)
    facts = [_facts(one, contexts.get(one.path)) for one in found]
    if settings.json:
        print_json({"models": facts})
        return
    rows = [_row(one, fact) for one, fact in zip(found, facts, strict=True)]
    print_table(("NAME", "QUANT", "SIZE", "CONTEXT", "SOURCE", "USED"), rows)


def _facts(located: "Located", context: int | None) -> dict[str, Any]:
    from runner.cli.facts import located_facts

    return located_facts(located) | {"context": context}


def _row(located: "Located", fact: dict[str, Any]) -> tuple[str, ...]:
    from runner.cli.words import ago, size

    return (
        located.name,
        located.quantization or "",
        size(fact["bytes"]),
        str(fact["context"] or ""),
        fact["source"] or "",
        ago(located.record.used_at) if located.record else "",
    )


def _list_catalogue(settings: "Settings") -> None:
    from runner import models
    from runner.catalog import load_catalog
    from runner.cli.facts import entry_facts
    from runner.cli.output import print_json, print_table, remark
    from runner.cli.words import size

    entries = load_catalog().entries
    if settings.json:
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
    if own := [entry for entry in entries if entry.origin]:
        names = ", ".join(entry.name for entry in own)
        remark(f"your own, from {own[0].origin}: {names}", settings)
