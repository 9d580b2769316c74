"""`runner fit`: whether and how a model would run on this machine, before it is fetched."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.fit import Plan
    from runner.fit.speed import Speed
    from runner.models.fit import Fit
    from runner.settings import Settings

FIT_MODEL = f"{options.MODEL} Default: every model of the catalogue, in brief."
EXACT = "Ask the Hub for the files' headers, where the catalogue's record would do without."
MEASURE = "Measure this machine's speed first, or again: about ten seconds."


def fit(
    model: Annotated[
        str | None, typer.Argument(help=FIT_MODEL, metavar="MODEL", show_default=False)
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help=EXACT)] = False,
    measure: Annotated[bool, typer.Option("--measure", help=MEASURE)] = False,
    ctx: options.Context = None,
    kv: options.Kv = None,
    device: options.Device = None,
    gpu_layers: options.GpuLayers = None,
    rpc: options.Rpc = None,
    tensor_split: options.TensorSplit = None,
    cpu_moe: options.CpuMoe = None,
    flash_attention: options.FlashAttention = None,
    batch: options.BatchSize = None,
    micro_batch: options.MicroBatch = None,
    mmap: options.Mmap = None,
    repack: options.Repack = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Show how the quantizations of a model would run here.

    A file on this disk or in a repository is planned by llama.cpp, from its header alone; a model
    of the catalogue by its recorded shape, without a connection.
    """
    settings = options.settings(locals())
    if exact and model is None:
        raise ConfigurationError(
            "--exact asks the Hub about one model", remedy="Name it: runner fit MODEL --exact"
        )

    from runner.cli.loading import asking
    from runner.cli.measuring import measured
    from runner.cli.output import print_json
    from runner.cli.terminal.progress import PassingLine
    from runner.models.fit import fits

    if measure:
        measured(settings, again=True)
    line = PassingLine(settings)
    try:
        found = fits(model, settings, exact=exact, **asking(settings, line))
    finally:
        line.clear()
    if settings.json:
        print_json({"models": [fit_facts(one) for one in found]})
    elif model is None:
        _print_brief(found, settings)
    else:
        print_fits(found, settings)


def fit_facts(fit: "Fit") -> dict[str, Any]:
    """A quantization as JSON: sizes in bytes, speeds in tokens/s; what nobody knows is None."""
    from dataclasses import asdict

    facts: dict[str, Any] = {
        "name": fit.name,
        "quantization": fit.quantization,
        "bytes": fit.bytes,
        "path": str(fit.path) if fit.path else None,
        "file": fit.file,
    }
    plan, verdict = fit.plan, fit.verdict
    if plan is None or verdict is None:
        return facts | {"plan": None, "speed": None, "verdict": None}
    memory = plan.memory()
    return facts | {
        "plan": {
            "by": plan.by,
            "context": plan.context,
            "largest_context": plan.largest_context(),
            "kv_type": plan.kv_type,
            "memory": asdict(memory) | {"needed": memory.needed},
            "free": plan.here.free,
            "layers_on": plan.layers_on(),
        },
        "speed": asdict(fit.speed) if fit.speed else None,
        "verdict": asdict(verdict),
    }


def print_fits(found: "list[Fit]", settings: "Settings") -> None:
    from runner.cli.output import print_table, remark
    from runner.cli.words import memory, size

    planned = [fit.plan for fit in found if fit.plan is not None]
    devices = [gpu.name for gpu in planned[0].here.gpus] if planned else []
    rows = []
    for one in found:
        row = [one.quantization or "", size(one.bytes) if one.bytes else "unknown"]
        if one.plan is None or one.verdict is None:
            rows.append([*row, *[""] * (8 + len(devices)), "its shape is not known"])
            continue
        takes = one.plan.memory()
        row += [memory(takes.needed), memory(takes.private), memory(takes.file_backed)]
        row += [memory(takes.devices[name]) if name in takes.devices else "" for name in devices]
        row += [str(one.plan.context), str(one.plan.largest_context() or "none")]
        rows.append([*row, _where(one.plan), *_rates(one.speed), one.verdict.words])
    print_table(
        ("QUANT", "SIZE", "MEMORY", "PRIVATE", "FILE", *devices, "CONTEXT", "LARGEST", "LAYERS",
         "PREFILL", "DECODE", "VERDICT"),
        rows,
    )  # fmt: skip
    if planned:
        for text in _explained(planned[0]):
            remark(text, settings)
        _explain_speed(found, settings)


def _explained(plan: "Plan") -> list[str]:
    """What the columns are."""
    from runner.cli.words import memory

    by = {
        "llama.cpp": "planned by llama.cpp from the file's header",
        "header": "computed from the file's header",
        "catalogue": "computed from the shape that the catalogue records; --exact asks the Hub",
    }
    return [
        f"{memory(plan.here.free)} of memory are free; KV cache in {plan.kv_type}; {by[plan.by]}.",
        "MEMORY is what must stay in main memory: PRIVATE, and of the mapped FILE what is read "
        "more than once. The rest of FILE gives way when others need room.",
    ]


def _explain_speed(found: "list[Fit]", settings: "Settings") -> None:
    from runner.cli.output import remark

    if any(one.plan is not None and one.speed is None for one in found):
        remark("This machine's speed was not measured: runner fit --measure", settings)


def _print_brief(found: "list[Fit]", settings: "Settings") -> None:
    from runner.cli.output import print_table
    from runner.cli.words import memory, size

    rows = []
    for one in found:
        row = [one.name, one.quantization or "", size(one.bytes) if one.bytes else "unknown"]
        if one.plan is None or one.verdict is None:
            rows.append([*row, "", "", "", "its shape is not known"])
            continue
        needed = memory(one.plan.memory().needed)
        row += [needed, str(one.plan.context), _rates(one.speed)[1]]
        rows.append([*row, one.verdict.words])
    print_table(("NAME", "QUANT", "SIZE", "MEMORY", "CONTEXT", "DECODE", "VERDICT"), rows)
    _explain_speed(found, settings)


def _where(plan: "Plan") -> str:
    """Such as `24 CUDA0, 5 CPU`; layers with the output."""
    on = plan.layers_on()
    return ", ".join(f"{count} {name}" for name, count in on.items())


def _rates(speed: "Speed | None") -> tuple[str, str]:
    if speed is None:
        return "not measured", "not measured"
    return f"{speed.prefill:.0f} tokens/s", f"{speed.decode:.1f} tokens/s"
