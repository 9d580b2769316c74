"""`runner compare`: which of two is faster, or answers better, and how sure that is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.errors import INTERRUPTED, REGRESSED, ConfigurationError
from runner.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.bench.arms import Arm
    from runner.bench.record import Record

TWO_ALIKE = "Give two records (`runner history`), or models to measure now."
METHOD, TESTS, TWO = "Method", "Tests", "Two values, the first for A, for one model"
MINUTES = "10m"
PAIRS = {
    "threads": "thread_pair",
    "threads_batch": "batch_thread_pair",
    "batch": "batch_pair",
    "micro_batch": "micro_batch_pair",
    "kv": "kv_pair",
    "flash_attention": "flash_pair",
    "gpu_layers": "layer_pair",
    "ctx": "context_pair",
    "mmap": "mmap_pair",
    "repack": "repack_pair",
    "speculate": "speculate_pair",
}
"""The parameters that hold two values of an option."""

List = list[str] | None


def _two(*flags: str, help: str, metavar: str = "A,B") -> Any:
    return typer.Option(*flags, help=help, metavar=metavar, rich_help_panel=TWO, show_default=False)


def compare(
    first: Annotated[
        str,
        typer.Argument(metavar="A", show_default=False,
                       help="A record (its id, its beginning, latest, latest~1, or a JSON file), "
                            "or a model, which is measured now."),
    ],
    second: Annotated[
        str | None,
        typer.Argument(metavar="[B]", show_default=False,
                       help="Another of the same. Default: the same model, with the second values; "
                            "without any, the model against itself."),
    ] = None,
    fail_if: Annotated[
        List,
        typer.Option("--fail-if", metavar="slower:3%|worse:1%", rich_help_panel=METHOD,
                     show_default=False,
                     help=f"End with {REGRESSED} where B is shown to be slower, or to answer "
                          "worse, by so much or more; may be given several times."),
    ] = None,
    margin: Annotated[
        float,
        typer.Option("--margin", min=0.1, max=50, metavar="PERCENT", rich_help_panel=METHOD,
                     help="Call speeds equivalent that differ by less."),
    ] = 2.0,
    across: Annotated[
        bool,
        typer.Option("--across", rich_help_panel=METHOD,
                     help="Compare records of different machines, builds or workloads too."),
    ] = False,
    time: Annotated[
        str,
        typer.Option("--time", metavar="TIME", rich_help_panel=METHOD,
                     help="Seconds, or such as 10m, to measure at most; it ends at a verdict."),
    ] = MINUTES,
    prompts: Annotated[
        List,
        typer.Option("-p", "--prompt-tokens", metavar="LIST", rich_help_panel=TESTS,
                     show_default=False,
                     help="Read prompts of so many random tokens. Default: half a second's."),
    ] = None,
    replies: Annotated[
        List,
        typer.Option("-n", "--reply-tokens", metavar="LIST", rich_help_panel=TESTS,
                     show_default=False,
                     help="Decode so many tokens. Default: half a second's."),
    ] = None,
    depths: Annotated[
        List,
        typer.Option("-d", "--depth", metavar="LIST", rich_help_panel=TESTS, show_default=False,
                     help="Do it after so many tokens that are in the context already."),
    ] = None,
    workload: Annotated[
        List,
        typer.Option("-w", "--workload", metavar="NAME[,NAME]...", rich_help_panel=TESTS,
                     show_default=False, help="Replies to real text, as of `runner bench`."),
    ] = None,
    thread_pair: Annotated[List, _two("-t", "--threads", help="Threads that compute.")] = None,
    batch_thread_pair: Annotated[
        List, _two("-tb", "--threads-batch", help="Threads that read prompts.")
    ] = None,
    batch_pair: Annotated[List, _two("-b", "--batch", help="Tokens of a batch.")] = None,
    micro_batch_pair: Annotated[
        List, _two("-ub", "--micro-batch", help="Tokens computed at once.")
    ] = None,
    kv_pair: Annotated[List, _two("--kv", help="Type of the KV cache.")] = None,
    flash_pair: Annotated[
        List, _two("-fa", "--flash-attention", metavar="on,off", help="Flash attention.")
    ] = None,
    layer_pair: Annotated[
        List, _two("-ngl", "--gpu-layers", help="Layers on the GPU.")
    ] = None,
    context_pair: Annotated[List, _two("-c", "--ctx", help="Tokens of context.")] = None,
    mmap_pair: Annotated[
        List, _two("--mmap", metavar="on,off", help="Map the file.")
    ] = None,
    repack_pair: Annotated[
        List, _two("--repack", metavar="on,off", help="Repack the weights.")
    ] = None,
    speculate_pair: Annotated[
        List,
        _two("--speculate", metavar="on,off", help="Guess repeated text; with --workload."),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--history/--no-history", rich_help_panel=METHOD,
                     help="Keep what is measured for `runner history`."),
    ] = True,
    seed: options.Seed = None,
    device: options.Device = None,
    rpc: options.Rpc = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
) -> None:  # fmt: skip
    """Compare two measurements, or measure two models or settings now and compare them.

    Says of B that it is faster, slower, equivalent (within --margin) or undecided, and then how
    many more blocks it needs; and of answers to the same questions whether they got better. What is
    measured now takes turns in short runs and ends at a verdict. The same check for a machine's
    noise: `runner compare MODEL`, which compares the model with itself.
    """
    given = locals()
    settings = options.settings(given)
    from runner.bench import compare as room
    from runner.bench.gate import gates, judge
    from runner.cli.output import note, print_json

    wanted, stopped = gates(fail_if or ()), False
    records = _saved(first, second)
    if records and (idle := _measuring(given)):
        raise ConfigurationError(
            f"two records are compared as they were measured, and {', '.join(idle)} says how to "
            "measure",
            remedy="Leave that out, or give models to measure now.",
        )
    if not records:
        if any(gate.kind == "worse" for gate in wanted):
            raise ConfigurationError(
                "--fail-if worse has nothing to judge: what is measured now is speed",
                remedy="Compare two records of `runner eval`.",
            )
        from runner.bench.measure import interrupted

        records = _measured(_arms(given), given, settings)
        stopped = interrupted(records)
    try:
        found = room.compare(records[0], records[1], margin=margin / 100, across=across)
    except (ConfigurationError, IndexError):
        if not stopped:
            raise
        note("stopped before there was anything to compare")
        raise typer.Exit(INTERRUPTED) from None
    judged = judge(found, wanted)
    if settings.json:
        from runner.bench.plain import to_plain

        print_json({**to_plain(found), "failed": judged.failed, "open": judged.open})
    else:
        from runner.cli.compared import print_comparison

        print_comparison(found, settings)
    for line in judged.open:
        if settings.quiet or settings.json or line not in found.remarks:  # else it was said
            note(line)
    if judged.failed:
        note(f"failed: {'; '.join(judged.failed)}")
    if stopped or judged.failed:
        raise typer.Exit(INTERRUPTED if stopped else REGRESSED)


def _saved(first: str, second: str | None) -> "Sequence[Record]":
    """The two records where both are ones; none where both must be models. Raises UnknownRecord
    where one is a record, or can only be meant as one, and there is none of that name."""
    from runner.bench.history import History, is_name
    from runner.cli.output import note
    from runner.errors import UnknownRecord

    history, found, unknown = History(remark=note), [], {}
    for text in filter(None, (first, second)):
        if _is_gguf(text):
            unknown[text] = UnknownRecord(f"{text} is a model, and no record")
            continue
        try:
            found.append(history.get(text))
        except UnknownRecord as error:
            unknown[text] = error
    for text, why in unknown.items():
        if found or is_name(text):
            raise UnknownRecord(why.message, remedy=TWO_ALIKE) from why
    if found and second is None:
        raise ConfigurationError(f"{first} is a record, and alone", remedy=TWO_ALIKE)
    if len({one.id for one in found}) == 1:
        raise ConfigurationError(f"{first} and {second} are the same record", remedy=TWO_ALIKE)
    return found


def _measuring(given: "Mapping[str, Any]") -> list[str]:
    """The options given that say what is measured now, and how."""
    from runner.settings import BY_NAME

    tests = {"prompts": "-p", "replies": "-n", "depths": "-d", "workload": "-w"}
    found = [flag for name, flag in tests.items() if given[name]]
    found += [BY_NAME[name].flag for name, pair in PAIRS.items() if given[pair]]
    return found + (["--time"] if given["time"] != MINUTES else [])


def _is_gguf(text: str) -> bool:
    """Whether it is the path of a model's file, which no record is."""
    from runner.gguf import MAGIC

    try:
        with Path(text).expanduser().open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError, RuntimeError):  # nor a path at all
        return False


def _arms(given: "Mapping[str, Any]") -> "list[Arm]":
    from runner.cli import bench_arms
    from runner.cli.loading import find

    settings = options.settings(given)
    values = bench_arms.axes({name: given[pair] for name, pair in PAIRS.items()})
    second = given["second"]
    if second is None and max(map(len, values.values())) < 2:
        second = given["first"]
    located = [find(name, settings) for name in filter(None, (given["first"], second))]
    arms = bench_arms.arms(located, values, lambda some: options.settings({**given, **some}))
    if len(arms) != 2:
        raise ConfigurationError(
            f"these are {len(arms)} to compare, not two",
            remedy="Give two models, or one model and two values of one option; "
            "`runner bench` measures more.",
        )
    return arms


def _measured(
    arms: "Sequence[Arm]", given: "Mapping[str, Any]", settings: Settings
) -> "Sequence[Record]":
    """Records of both, measured until there is a verdict or the time is over."""
    from runner.bench.compare import decides
    from runner.bench.sizing import sized
    from runner.bench.wanted import Wanted
    from runner.cli import bench_arms, measured_arms

    lengths = given["prompts"] or given["replies"] or given["depths"] or given["workload"]
    wanted = Wanted(
        time_budget=bench_arms.budget(given["time"], None, 2), width=0.0, seed=given["seed"] or 0
    )
    if lengths:
        tests = bench_arms.tests(
            given["prompts"], given["replies"], None, given["depths"], given["workload"],
            sampled=False,
        )  # fmt: skip
    else:
        tests = list(measured_arms.in_sight(settings, lambda **tell: sized(arms, **tell)))
    records = measured_arms.measured(
        arms, tests, wanted, settings, enough=decides(given["margin"] / 100)
    )
    if given["keep"]:
        measured_arms.keep(records, settings)
    measured_arms.remark_on(records, settings)
    return records
