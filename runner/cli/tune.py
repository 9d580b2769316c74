"""`runner tune`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.errors import INTERRUPTED, ConfigurationError, DiskError

if TYPE_CHECKING:
    from runner.bench.compare import Comparison
    from runner.bench.tune import Outcome, Try
    from runner.models import Located
    from runner.settings import Settings

MINUTES = "Time to take, about; most changes of a large model need more than a few."
ALLOW_KV = "Try other types of the KV cache too, which change answers."
FORGET = "Forget what was found for the model: the defaults hold again."


def tune(
    model: options.Model,
    minutes: Annotated[float, typer.Option(min=0.05, metavar="MINUTES", help=MINUTES)] = 20,
    allow_kv: Annotated[bool, typer.Option("--allow-kv", help=ALLOW_KV)] = False,
    forget: Annotated[bool, typer.Option("--forget", help=FORGET)] = False,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
) -> None:
    """Find the quickest settings for a model on this machine.

    Threads, layers on the GPU, flash attention, speculation, batches, repacking and mapping are
    tried beside the best so far. What is significantly faster is measured once more against the
    defaults; if that confirms it, it is kept, and `chat` and `run` use it from then on wherever you
    say nothing else.
    """
    settings = options.settings(locals())

    from runner.cli.errors import show
    from runner.cli.loading import find
    from runner.cli.output import print_json, remark
    from runner.models import tuned
    from runner.settings import BY_NAME

    located = find(model, settings)
    said = [BY_NAME[name].flag for name in tuned.PLACING if settings.get(name) is not None]
    if said:
        raise ConfigurationError(
            f"a model is tuned as Runner places it, and {', '.join(said)} places it otherwise",
            remedy="Leave that out, also of the configuration file and the environment.",
        )
    if forget:
        there = tuned.forget(located)
        if settings.json:
            print_json({"model": located.name, "forgotten": there})
        remark("forgotten" if there else "nothing was tuned for this model here", settings)
        return
    outcome = _searched(located, settings, minutes, allow_kv=allow_kv)
    unkept: DiskError | None = None
    before: list[str] = []
    try:
        before = _keep(located, outcome, settings)
    except DiskError as error:  # what took so long to find is said all the same
        unkept = error
    if settings.json:
        print_json(_plain(located, outcome))
    else:
        print("\n".join([*_lines(outcome, located.name, minutes, unkept), *before]))
    if unkept is not None:
        show(unkept)
        raise typer.Exit(unkept.exit_code)
    if outcome.interrupted:
        raise typer.Exit(INTERRUPTED)


def _searched(
    located: "Located", settings: "Settings", minutes: float, *, allow_kv: bool
) -> "Outcome":
    from runner import machine
    from runner.bench.candidates import base_of, candidates
    from runner.bench.tune import Search
    from runner.cli.measured_arms import words
    from runner.cli.output import remark
    from runner.cli.terminal.progress import PassingLine
    from runner.fit.header import integer
    from runner.fit.placement import trained_context
    from runner.gguf import read_whole_header

    header = read_whole_header(located.path)
    base, layers = base_of(located, settings), integer(header, "block_count")
    tried = candidates(base, logical=machine.processors().logical, layers=layers, allow_kv=allow_kv)
    tried = [one for one in tried if all(settings.get(name) is None for name in one)]
    line = PassingLine(settings)
    remark(f"{len(tried)} changes to try in about {_minutes(minutes * 60)}", settings)

    def told(one: "Try") -> None:
        line.clear()
        remark(_said(one), settings)

    search = Search(
        located,
        settings,
        base,
        tried,
        minutes * 60,
        room=settings.ctx or trained_context(header),
        progress=lambda doing, now: line.show(f"{doing}: {words(now)}"),
        told=told,
    )
    try:
        return search.run()
    finally:
        line.clear()


def _keep(located: "Located", outcome: "Outcome", settings: "Settings") -> list[str]:
    """What was found holds from now on, also that nothing beats the defaults, where all was tried.
    Lines on what becomes of what was found before."""
    from runner.cli.measured_arms import keep
    from runner.models import tuned

    before = tuned.tuned_for(located)
    lines = []
    if outcome.options and outcome.records:
        first = outcome.records[0]
        tuned.keep(
            located, tuned.Tuned(dict(outcome.options), outcome.gains, first.run, first.date)
        )
    elif before is not None:
        words = tuned.words_of(before.options)
        if outcome.conclusive:
            tuned.forget(located)
            lines = [f"what was found before is forgotten: {words}"]
        else:
            lines = [f"what was found before holds on: {words}"]
    keep(outcome.records, settings)
    return lines


def _said(one: "Try") -> str:
    from runner.models.tuned import words_of

    words = words_of(one.options)
    if one.comparison is None:
        return f"{words}: not tried: {one.why}"
    what = "kept" if one.kept else "not kept"
    return f"{words}: {_tests(one.comparison)}; {'; '.join(filter(None, (what, one.why)))}"


def _tests(comparison: "Comparison") -> str:
    """Such as `pp32 -3.1% slower, tg8 +0.2% equivalent`."""
    return ", ".join(f"{one.test} {one.ratio - 1:+.1%} {one.verdict}" for one in comparison.tests)


def _lines(
    outcome: "Outcome", model: str, minutes: float, unkept: DiskError | None = None
) -> list[str]:
    """The last words: what came of it, what was not tried in these minutes, and how to go on."""
    from runner.models.tuned import flags_of, words_of

    best = words_of(outcome.best)
    if outcome.interrupted:
        lines = [f"stopped: {outcome.tried} changes were tried, and nothing is kept"]
        if outcome.best:
            lines.append(
                f"faster so far, not confirmed: {best}; `{flags_of(outcome.best)}` uses it"
            )
        return [*lines, f"`runner tune {model}` begins anew"]
    if outcome.options:
        gained = ", ".join(
            f"{test} {ratio - 1:+.1%} (from {low - 1:+.1%} to {high - 1:+.1%})"
            for test, (ratio, low, high) in outcome.gains.items()
        )
        kept = f"kept: {words_of(outcome.options)}"
        if unkept is not None:
            flags = flags_of(outcome.options)
            kept = f"faster, but not kept: {words_of(outcome.options)}; `{flags}` uses it"
        lines = [kept, f"gained over the defaults: {gained}"]
    elif outcome.best:
        said = _tests(outcome.confirmed) if outcome.confirmed else ""
        why = "; ".join(filter(None, (said, outcome.why)))
        lines = [f"nothing is kept: {best} seemed faster at first, not confirmed: {why}"]
    elif outcome.tried:
        lines = ["nothing that was tried is significantly faster than what holds already"]
    elif outcome.short:
        lines = ["too little time: nothing could be tried"]
    else:
        lines = ["nothing could be tried"]
    if outcome.short and outcome.time_for_all:
        # With some room, and more than there was now: a machine is not always as fast.
        enough = max(round(outcome.time_for_all / 60 * 1.2 + 0.5), round(minutes * 1.5), 1)
        lines.append(
            f"{outcome.short} of {len(outcome.tries)} changes had no time, or too little; "
            f"--minutes {enough} should do for all"
        )
    return lines


def _minutes(seconds: float) -> str:
    from runner.cli.measured_arms import seconds_left

    return seconds_left(seconds)


def _plain(located: "Located", outcome: "Outcome") -> dict[str, Any]:
    from runner.bench.plain import to_plain

    return {
        "model": located.name,
        "options": dict(outcome.options),
        "gains": {name: list(gain) for name, gain in outcome.gains.items()},
        "best": dict(outcome.best),
        "confirmed": to_plain(outcome.confirmed) if outcome.confirmed else None,
        "why": outcome.why,
        "interrupted": outcome.interrupted,
        "tries": [
            {
                "options": dict(one.options),
                "kept": one.kept,
                "comparison": to_plain(one.comparison) if one.comparison else None,
                "why": one.why,
                "short": one.short,
            }
            for one in outcome.tries
        ],
        "seconds_for_all": outcome.time_for_all,
        "run": outcome.records[0].run if outcome.records else None,
    }
