"""`runner bench`: how fast a model reads and writes on this machine."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options

if TYPE_CHECKING:
    from runner.bench import Record, Statistics

DISTURBED = (
    0.05  # standard deviation, as a share of the mean, from which a figure deserves a warning
)
BARS = "▁▂▃▄▅▆▇█"


def bench(
    model: options.OptionalModel = None,
    prompt_tokens: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="Tokens of prompt to read.")
    ] = 512,
    reply_tokens: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="Tokens of reply to decode.")
    ] = 128,
    repeat: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="Runs of each test, after a warm-up.")
    ] = 5,
    ctx: options.Context = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    device: options.Device = None,
    rpc: options.Rpc = None,
    tensor_split: options.TensorSplit = None,
    cpu_moe: options.CpuMoe = None,
    require_gpu: options.RequireGpu = None,
    kv: options.Kv = None,
    flash_attention: options.FlashAttention = None,
    lora: options.Lora = None,
    control_vector: options.ControlVector = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
) -> None:
    """Measure how fast a model reads prompts and writes replies.

    Prefill (pp) reads random tokens, decode (tg) samples the likeliest token again and again; the
    runs of both take turns. Figures are the engine's own, as after a turn of a chat.
    """
    settings = options.settings(locals())

    from runner import bench as room
    from runner.cli.loading import find, load
    from runner.cli.output import print_json, remark
    from runner.cli.terminal.progress import PassingLine

    located = find(model, settings)
    # Its patience begins now: a model that takes long to load takes long to run.
    passing = PassingLine(settings)
    with load(located, settings) as ready:
        for line in ready.placement.remarks:
            remark(line, settings)
        tests = room.workloads(prompt_tokens, reply_tokens, ready.model.context_length)
        for test, asked in zip(tests, (prompt_tokens, reply_tokens), strict=True):
            if test.tokens < asked:
                remark(
                    f"{test.name}, not {asked} tokens: the context holds no more (--ctx)", settings
                )

        def progress(test: room.Workload, run: int, runs: int) -> None:
            passing.show(f"run {run} of {runs}: {test.name}")

        try:
            results = room.measure(ready.model, tests, repeat, progress)
        finally:
            passing.clear()
        record = room.record(ready, results)
    if settings.json:
        print_json(record.to_json())
    else:
        _print_record(record)
    for result in record.results:
        if result.statistics.variation > DISTURBED:
            remark(
                f"{result.workload.name} varies by {result.statistics.variation:.0%}: something "
                "else uses this machine, or it slows down; close programs or raise --repeat",
                settings,
            )


def _print_record(record: "Record") -> None:
    from runner.cli.output import print_facts, print_table
    from runner.cli.words import memory, size

    model, placement, machine = record.model, record.placement, record.processors
    kind = model.quantization or model.description
    print_facts(
        [
            (
                "model",
                f"{model.name}, {kind}, {size(model.bytes)}, {_count(model.parameters)} parameters",
            ),
            (
                "loaded",
                f"on {', '.join(placement.devices)}, threads {placement.threads}, "
                f"context {placement.context}, KV {placement.kv}"
                + "".join(f", {adapter}" for adapter in placement.adapters),
            ),
            ("machine", f"{machine.name}, {machine.physical} cores, {memory(record.memory.total)}"),
            ("llama.cpp", f"llama-cpp-python {record.bindings}"),
        ]
    )
    print()
    rows = []
    for result in record.results:
        rates = result.statistics
        rows.append(
            (
                result.workload.name,
                _middle(rates),
                f"{_rate(rates.minimum, like=rates)} to {_rate(rates.maximum, like=rates)}",
                str(rates.count),
                _bars(result.rates),
            )
        )
    print_table(("TEST", "TOKENS/S", "MIN TO MAX", "RUNS", ""), rows)
    prompt, first = record.results[0].workload.prompt_tokens, record.results[0].first_token
    print(
        f"\nfirst token after {first.median:.3g} s with a prompt of {prompt} tokens "
        f"(TTFT, {first.minimum:.3g} to {first.maximum:.3g})"
    )


def _middle(rates: "Statistics") -> str:
    """The median, with the standard deviation where there is one."""
    if rates.standard_deviation is None:
        return _rate(rates.median, like=rates)
    return f"{_rate(rates.median, like=rates)} ± {_rate(rates.standard_deviation, like=rates)}"


def _rate(rate: float, *, like: "Statistics") -> str:
    """With as many decimals as suit the median, so that a row is of one kind."""
    return f"{rate:.2f}" if like.median < 100 else f"{rate:.0f}"


def _count(count: int) -> str:
    """A number of parameters: "1.78 billion", "2.4 million"."""
    if count >= 10**9:
        return f"{count / 1e9:.2f} billion"
    return f"{count / 1e6:.3g} million"


def _bars(rates: Sequence[float]) -> str:
    """A bar for each run in order, its height from zero, so that steady runs look alike."""
    try:
        BARS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ""
    tallest = max(rates)
    return "".join(BARS[round((len(BARS) - 1) * rate / tallest)] for rate in rates)
