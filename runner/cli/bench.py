"""`runner bench`: how fast models read and write on this machine."""

import sys
from typing import Annotated, Any

import typer

from runner.cli import llama_bench, options
from runner.errors import INTERRUPTED, ConfigurationError, RunnerError

MODELS = f"{options.MODEL} Several are measured beside each other. Default: as for `runner run`."
OUTPUTS = {
    "json": "llama-bench-json",
    "jsonl": "llama-bench-jsonl",
    "csv": "llama-bench-csv",
    "sql": "llama-bench-sql",
    "md": "llama-bench-md",
}
NOTHING = "none"
TESTS, METHOD = "Tests (LIST is 512,4096 or 1-8 or 1-8+2 or 512-4096*2)", "Method"
GRID = "Loading, each value an arm (LIST as above). Default: as `runner run` has it"


def _list(*flags: str, panel: str, help: str, metavar: str = "LIST") -> Any:
    return typer.Option(
        *flags, help=help, metavar=metavar, rich_help_panel=panel, show_default=False
    )


List = list[str] | None


@llama_bench.with_flags
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help=MODELS, metavar="MODEL...", show_default=False)
    ] = None,
    more_names: Annotated[List, typer.Option("-m", "--model", hidden=True)] = None,
    prompts: Annotated[
        List,
        _list("-p", "--prompt-tokens", "--n-prompt", panel=TESTS,
              help="Read prompts of so many random tokens (pp). Default: 512; none where only -n "
                   "or -pg is given."),
    ] = None,
    replies: Annotated[
        List,
        _list("-n", "--reply-tokens", "--n-gen", panel=TESTS,
              help="Decode so many tokens, the likeliest each time (tg). Default: 128; none where "
                   "only -p or -pg is given."),
    ] = None,
    both: Annotated[
        List,
        _list("-pg", "--prompt-reply", panel=TESTS, metavar="PROMPT,REPLY",
              help="Read a prompt and decode a reply; may be given several times."),
    ] = None,
    depths: Annotated[
        List,
        _list("-d", "--depth", "--n-depth", panel=TESTS,
              help="Do it after so many tokens that are in the context already. Default: 0."),
    ] = None,
    sampled: Annotated[
        bool,
        typer.Option("--sampled", rich_help_panel=TESTS,
                     help="Decode with the model's own sampling too."),
    ] = False,
    workload: Annotated[
        List,
        _list("-w", "--workload", panel=TESTS, metavar="NAME[,NAME]...",
              help="Random tokens (synthetic), or replies to real text: chat, summarise, code, "
                   "reasoning, or all of them (texts). Default: synthetic and chat."),
    ] = None,
    thread_list: Annotated[
        List, _list("-t", "--threads", panel=GRID, help="Threads that compute.")
    ] = None,
    batch_thread_list: Annotated[
        List, _list("-tb", "--threads-batch", panel=GRID, help="Threads that read prompts.")
    ] = None,
    batch_list: Annotated[
        List, _list("-b", "--batch", "--batch-size", panel=GRID, help="Tokens of a batch.")
    ] = None,
    micro_batch_list: Annotated[
        List,
        _list("-ub", "--micro-batch", "--ubatch-size", panel=GRID,
              help="Tokens computed at once."),
    ] = None,
    kv_list: Annotated[
        List, _list("--kv", panel=GRID, metavar="TYPES", help="Types of the KV cache.")
    ] = None,
    type_k: Annotated[List, typer.Option("-ctk", "--cache-type-k", hidden=True)] = None,
    type_v: Annotated[List, typer.Option("-ctv", "--cache-type-v", hidden=True)] = None,
    flash_list: Annotated[
        List,
        _list("-fa", "--flash-attention", "--flash-attn", panel=GRID, metavar="on,off,auto",
              help="Flash attention."),
    ] = None,
    layer_list: Annotated[
        List,
        _list("-ngl", "--gpu-layers", "--n-gpu-layers", panel=GRID, help="Layers on the GPU."),
    ] = None,
    context_list: Annotated[
        List,
        _list("-c", "--ctx", panel=GRID, help="Tokens of context. Default: what the tests need."),
    ] = None,
    mmap_list: Annotated[
        List, _list("-mmp", "--mmap", panel=GRID, metavar="on,off", help="Map the file.")
    ] = None,
    repack_list: Annotated[
        List, _list("--repack", panel=GRID, metavar="on,off", help="Repack the weights.")
    ] = None,
    speculate_list: Annotated[
        List,
        _list("--speculate", panel=GRID, metavar="on,off",
              help="Guess repeated text; only replies to texts do."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option("--time", metavar="TIME", rich_help_panel=METHOD, show_default=False,
                     help="Seconds, or such as 10m, to measure at most. Default: 60 for each arm."),
    ] = None,
    width: Annotated[
        float,
        typer.Option("--width", min=0.01, metavar="PERCENT", rich_help_panel=METHOD,
                     show_default=False,
                     help="Stop when every interval is ± so many percent. Default: 1."),
    ] = 1.0,
    repeat: Annotated[
        int | None,
        typer.Option("-r", "--repeat", "--repetitions", min=1, metavar="COUNT",
                     rich_help_panel=METHOD, show_default=False,
                     help="Measure so many blocks, however long they take."),
    ] = None,
    delay: Annotated[
        float,
        typer.Option("--delay", min=0, metavar="SECONDS", rich_help_panel=METHOD,
                     show_default=False, help="Wait before each run. Default: 0."),
    ] = 0.0,
    energy: Annotated[
        bool,
        typer.Option("--energy/--no-energy", rich_help_panel=METHOD,
                     help="Measure joules where a meter can be read, a minute for each arm."),
    ] = True,
    price_per_kwh: Annotated[
        float | None,
        typer.Option("--price-per-kwh", min=0, metavar="PRICE", rich_help_panel=METHOD,
                     show_default=False,
                     help="What a kilowatt-hour costs. Default: as the price file says."),
    ] = None,
    ceiling: Annotated[
        bool,
        typer.Option("--ceiling/--no-ceiling", rich_help_panel=METHOD,
                     help="Measure once what this machine can reach, and say how much of it is."),
    ] = True,
    keep: Annotated[
        bool,
        typer.Option("--history/--no-history", rich_help_panel=METHOD,
                     help="Keep the records for `runner history`."),
    ] = True,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="|".join(OUTPUTS), show_default=False,
                     help="Print as llama-bench would."),
    ] = None,
    output_err: Annotated[
        str | None, typer.Option("-oe", "--output-err", hidden=True)
    ] = None,
    seed: options.Seed = None,
    device: options.Device = None,
    rpc: options.Rpc = None,
    tensor_split: options.TensorSplit = None,
    cpu_moe: options.CpuMoe = None,
    require_gpu: options.RequireGpu = None,
    draft: options.Draft = None,
    lora: options.Lora = None,
    control_vector: options.ControlVector = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
) -> None:  # fmt: skip
    """Measure how fast models read prompts and write replies.

    Each model in each combination of values is an arm. Arms run in processes of their own and take
    turns in blocks, in random order and mirrored (ABBA), after each test was warmed up in full.
    Figures are medians over blocks with the interval that a bootstrap over blocks gives. Every
    prompt is a new one. Ctrl-C keeps what was measured; where an arm fails the others go on.
    """
    given = locals()
    for flag, form in (("--output", output), ("--output-err", output_err)):
        if form not in (None, NOTHING, *OUTPUTS):
            raise ConfigurationError(
                f"{flag} does not know {form!r}", remedy=f"It knows {', '.join(OUTPUTS)}."
            )
    settings = options.settings(given)
    if type_k != type_v and type_k and type_v:
        raise ConfigurationError(
            "keys and values of different types were asked for",
            remedy="Give -ctk and -ctv the same type; --kv is for both.",
        )
    if bool(type_k) != bool(type_v):
        from runner.cli.output import remark

        remark("keys and values of the KV cache have one type here: it is set for both", settings)
    from runner.bench.measure import interrupted
    from runner.bench.statistics import LEAST_BLOCKS
    from runner.bench.wanted import Wanted
    from runner.cli import bench_arms, measured_arms
    from runner.cli.loading import find

    values = bench_arms.axes(
        {
            "threads": thread_list,
            "threads_batch": batch_thread_list,
            "batch": batch_list,
            "micro_batch": micro_batch_list,
            "kv": [*(kv_list or ()), *(type_k or type_v or ())],
            "flash_attention": flash_list,
            "gpu_layers": layer_list,
            "ctx": context_list,
            "mmap": mmap_list,
            "repack": repack_list,
            "speculate": speculate_list,
        }
    )
    tests = bench_arms.tests(prompts, replies, both, depths, workload, sampled=sampled)
    every_name = [*(names or ()), *llama_bench.models_of(more_names or ())]
    located = [find(name, settings) for name in every_name or [None]]
    arms = bench_arms.arms(located, values, lambda some: options.settings({**given, **some}))
    wanted = Wanted(
        time_budget=bench_arms.budget(time, repeat, len(arms)),
        width=width / 100,
        least_blocks=repeat or LEAST_BLOCKS,
        most_blocks=repeat,
        energy=energy,
        loads=len(arms) == len({one.path for one in located}),
        seed=seed or 0,
        delay=delay,
        price_per_kwh=price_per_kwh,
        ceiling=ceiling,
    )
    if ceiling:
        from runner.cli.measuring import measured as measure_machine

        measure_machine(settings, undisturbed=True)
    failed = list[RunnerError]()
    records = measured_arms.measured(arms, tests, wanted, settings, failed=failed)
    if keep:  # before it is shown, which can be stopped
        measured_arms.keep(records, settings)
    if output is None:
        from runner.cli.records import print_records

        print_records(records, settings)
    for form, stream in ((output, sys.stdout), (output_err, sys.stderr)):
        if form in OUTPUTS:
            from runner.bench.exports import exported

            print(exported(records, OUTPUTS[form]), end="", file=stream)
    if {output, output_err} & OUTPUTS.keys():
        measured_arms.remark_on_refused(records, settings)
    measured_arms.remark_on(records, settings)
    if interrupted(records):
        raise typer.Exit(INTERRUPTED)
    if failed:
        from runner.cli.errors import show

        for error in failed:
            show(error)
        raise typer.Exit(failed[0].exit_code)
