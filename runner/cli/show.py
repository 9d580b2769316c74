"""`runner show`: what the catalogue knows of a model, and what its file on this disk says."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.cli import options

if TYPE_CHECKING:
    from runner.catalog import Entry, SamplingDefaults
    from runner.models import Located
    from runner.models.fit import Fit

Facts = list[tuple[str, str]]

METADATA = {
    "context": "context_length",
    "layers": "block_count",
    "hidden": "embedding_length",
    "heads": "attention.head_count",
    "kv_heads": "attention.head_count_kv",
}
"""Facts about a file, by our names, and the GGUF keys `<architecture>.…` that hold them."""


def show(
    model: options.Model,
    ctx: options.Context = None,
    kv: options.Kv = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Show a model's origin, licence, files, scores, and how it fits here.

    From the catalogue and from its file, where that is on this disk, without a connection. The Hub
    is asked only about a repository that is in neither.
    """
    settings = options.settings(locals())

    from runner.cli.facts import entry_facts, located_facts
    from runner.cli.fit import fit_facts
    from runner.cli.output import print_facts, print_json, remark
    from runner.cli.remote import show_remote
    from runner.errors import ModelNotHere, RunnerError
    from runner.hub import Hub
    from runner.models.fit import entry_fits, fits

    try:
        entry, located = _known(model, settings.model_folders or ())
    except ModelNotHere:
        if settings.offline:
            raise
        return show_remote(model, settings)
    try:
        if entry is not None and entry.quantizations:
            found = entry_fits(entry, settings)
        else:
            found = fits(model, settings, hub=lambda: Hub(offline=True))  # of the file alone
    except RunnerError as error:  # what the settings wish for, or the file, stops no facts
        remark(f"how it fits here is not known: {error.message}", settings)
        found = []
    header = _header_facts(located.path) if located else None
    if settings.json:
        print_json(
            {
                "catalogue": entry_facts(entry) if entry else None,
                "here": located_facts(located) if located else None,
                "file": header,
                "tuned": _tuned_facts(located) if located else None,
                "repository": None,
                "fits": [fit_facts(fit) for fit in found],
            }
        )
        return None
    if entry is not None:
        print_facts(_about(entry))
        _print_quantizations(entry, found)
        _print_scores(entry)
    if located is not None and header is not None:
        if entry is not None:
            print()
        print_facts([*_about_file(located, header), *_here(entry, found)])
    return None


def _here(entry: "Entry | None", found: "list[Fit]") -> Facts:
    """How a file fits that is the only one of its model; of others there is a table."""
    if entry is not None and entry.quantizations:
        return []
    return [("here", words) for fit in found if (words := _verdict(fit))]


def _verdict(fit: "Fit") -> str:
    """Such as `fits well, 23 tokens/s`; empty where nothing is known."""
    speed = f"{fit.speed.decode:.0f} tokens/s" if fit.speed else ""
    return ", ".join(filter(None, (fit.verdict.words if fit.verdict else "", speed)))


def _known(text: str, folders: tuple[str, ...]) -> "tuple[Entry | None, Located | None]":
    """The catalogue's entry of a model and its file on this disk; at least one of them."""
    from runner import models
    from runner.catalog import load_catalog
    from runner.errors import ModelNotHere
    from runner.reference import CatalogReference, parse

    try:
        located = models.locate(text, folders)
    except ModelNotHere:
        reference = parse(text)
        if not isinstance(reference, CatalogReference):
            raise
        return load_catalog().find(reference.name), None
    return located.entry, located


def _about(entry: "Entry") -> Facts:
    made = {
        "distilled": f"{entry.distilled}: {entry.distilled_from}; {entry.method}"
        if entry.distilled_from
        else f"{entry.distilled}; {entry.method}",
        "base": entry.base,
        "made by": entry.original_repository,
        "licence": _with_note(entry.licence, entry.licence_note),
        "its page": f"https://huggingface.co/{entry.original_repository}"
        if entry.original_repository
        else "",
        "parameters": f"{entry.parameters / 1e9:.2f} billion" if entry.parameters else "",
        "context": f"{entry.context} tokens" if entry.context else "",
        "reasoning": _reasoning(entry),
        "sampling": _sampling(entry.sampling),
        "without it": _sampling(entry.sampling_without_thinking),
        "system prompt": _with_note(
            "better none: Runner puts it into the first question"
            if entry.avoid_system_prompt
            else "",
            entry.system_prompt_note,
        ),
        "evidence": entry.evidence,
        "entry": f"your own, in {entry.origin}" if entry.origin else "",
        "notes": entry.notes,
    }
    return [("name", f"{entry.name}   ({entry.title})")] + [
        (label, text) for label, text in made.items() if text
    ]


def _reasoning(entry: "Entry") -> str:
    if entry.reasoning is None:
        return "none"
    how = f"{entry.reasoning.thinks}, between {entry.reasoning.open} and {entry.reasoning.close}"
    switch = entry.reasoning.switch
    return how if switch in ("", "none") else f"{how}; switch: {switch}"


def _sampling(defaults: "SamplingDefaults | None") -> str:
    if defaults is None:
        return ""
    names = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "repeat_penalty")
    values = [(name, getattr(defaults, name)) for name in names]
    said = ", ".join(f"{name} {value:g}" for name, value in values if value is not None)
    return _with_note(said or "nothing recommended", defaults.note)


def _with_note(text: str, note: str) -> str:
    return f"{text} ({note})" if text and note else text or note


def _print_quantizations(entry: "Entry", fits: "list[Fit]") -> None:
    from runner.cli.output import print_table
    from runner.cli.words import size

    if not entry.quantizations:
        return
    print("\nRunner can fetch, and takes the best that fits well here:")
    rows = []
    verdicts = {fit.quantization: _verdict(fit) for fit in fits}
    for file in entry.quantizations:
        about = "" if file.bytes_are in ("exact", None) else f" ({file.bytes_are})"
        weight = f"{size(file.bytes)}{about}" if file.bytes else "unknown"
        known = "sha256 known" if file.sha256 else ""
        here, where = verdicts.get(file.name, ""), f"hf.co/{file.repository}"
        rows.append((file.name, weight, here, where, file.file, known))
    print_table(("QUANT", "SIZE", "HERE", "REPOSITORY", "FILE", "CHECKED BY"), rows)


def _print_scores(entry: "Entry") -> None:
    from runner.catalog import load_catalog
    from runner.cli.output import print_table
    from runner.cli.terminal.clean import clean

    if entry.scores is None:
        return
    sources = load_catalog().sources
    print(clean(f"\nPublished scores in percent: {entry.scores.note}"))
    print_table(
        ("TEST", "SCORE"), [(test, f"{score:g}") for test, score in entry.scores.percent.items()]
    )
    for source in entry.scores.sources:
        print(clean(f"from {sources.get(source, source)}"))


def _tuned(located: "Located") -> str:
    """What `runner tune` found for the model here, in words; empty where nothing."""
    from runner.models.tuned import tuned_for, words_of

    found = tuned_for(located)
    if found is None:
        return ""
    gains = ", ".join(f"{test} {gain[0] - 1:+.1%}" for test, gain in found.gains.items())
    return _with_note(words_of(found.options), gains)


def _tuned_facts(located: "Located") -> dict[str, Any] | None:
    from dataclasses import asdict

    from runner.models.tuned import tuned_for

    found = tuned_for(located)
    return asdict(found) if found is not None else None


def _header_facts(path: Path) -> dict[str, Any]:
    """What a GGUF says of itself. Raises BadModelFile."""
    from runner.gguf import read_header

    header = read_header(path)
    types: dict[str, int] = {}
    for tensor in header.tensors:
        types[tensor.type] = types.get(tensor.type, 0) + (tensor.bytes or 0)
    facts = {name: header.of_architecture(key) for name, key in METADATA.items()}
    return {
        "name": header.metadata.get("general.name"),
        "architecture": header.architecture,
        **facts,
        "parameters": sum(_elements(tensor.shape) for tensor in header.tensors),
        "vocabulary": header.metadata.get("tokenizer.ggml.tokens"),
        "chat_template": "tokenizer.chat_template" in header.metadata,
        "tensor_bytes": types,
    }


def _elements(shape: tuple[int, ...]) -> int:
    import math

    return math.prod(shape)


def _about_file(located: "Located", header: dict[str, Any]) -> Facts:
    from runner.cli.facts import located_facts
    from runner.cli.words import ago, size

    fact, record = located_facts(located), located.record
    types = sorted(header["tensor_bytes"].items(), key=lambda item: -item[1])
    said = {
        "file": f"{located.path}   {size(fact['bytes'])}",
        "from": f"hf.co/{record.repository}, commit {record.commit}"
        if record and record.repository
        else "",
        "licence": _with_note(record.licence or "", record.licence_link or "") if record else "",
        "not as known": f"the catalogue knew it with sha256 {record.expected_sha256}"
        if record and record.expected_sha256
        else "",
        "made from": (record.made_from or "") if record else "",
        "kept by": located.found.source if located.found else "",
        "fetched": ago(record.fetched_at) if record else "",
        "used": ago(record.used_at) if record else "",
        "sha256": record.sha256 if record else "",
        "calls itself": header["name"] or "",
        "architecture": header["architecture"],
        "parameters": f"{header['parameters'] / 1e6:,.1f} million",
        "context": f"{header['context']} tokens" if header["context"] else "",
        "shape": ", ".join(
            f"{header[name]} {name.replace('_', ' ')}"
            for name in ("layers", "hidden", "heads", "kv_heads", "vocabulary")
            if header[name] is not None
        ),
        "tensors": ", ".join(f"{kind} {size(count)}" for kind, count in types),
        "tuned": _tuned(located),
        "template": "its own" if header["chat_template"] else "none: ChatML is used",
    }
    return [(label, str(text)) for label, text in said.items() if text]
