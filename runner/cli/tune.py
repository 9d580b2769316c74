"""`runner tune`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.bench.tune import Outcome, Try
    from runner.models import Located
    from runner.settings import Settings

MINUTES = "Time to take at most, loading not counted."
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

    Threads, repacking, flash attention, batches, mapping, speculation and layers on the GPU are
    tried beside the best so far. What is significantly faster is kept, and `chat` and `run` use it
    from then on wherever you say nothing else.
    """
    settings = options.settings(locals())

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
        remark("forgotten" if there else "nothing was tuned for this model here", settings)
        return
    outcome = _searched(located, settings, minutes * 60, allow_kv=allow_kv)
    _keep(located, outcome, settings)
    if settings.json:
        print_json(_plain(located, outcome))
    else:
        _print(outcome)


def _searched(
    located: "Located", settings: "Settings", seconds: float, *, allow_kv: bool
) -> "Outcome":
    from runner import machine
    from runner.bench.measure import Progress
    from runner.bench.tune import Search, base_of, candidates
    from runner.cli.output import remark
    from runner.cli.terminal.progress import PassingLine
    from runner.fit.header import integer
    from runner.gguf import read_header

    base = base_of(located, settings)
    layers = integer(read_header(located.path), "block_count")
    tried = candidates(base, logical=machine.processors().logical, layers=layers, allow_kv=allow_kv)
    tried = [one for one in tried if all(settings.get(name) is None for name in one)]
    line = PassingLine(settings)

    def progress(now: Progress) -> None:
        left = f", {now.left:.0f} s left of this try" if now.left is not None else ""
        line.show(f"{now.phase} {now.arm} {now.test}{left}")

    def told(one: "Try") -> None:
        line.clear()
        remark(_said(one), settings)

    try:
        return Search(located, settings, base, tried, seconds, progress=progress, told=told).run()
    finally:
        line.clear()


def _keep(located: "Located", outcome: "Outcome", settings: "Settings") -> None:
    """What was found holds from now on, also that nothing beats the defaults."""
    from runner.cli.measured_arms import keep
    from runner.models import tuned

    if outcome.options and outcome.records:
        first = outcome.records[0]
        tuned.keep(
            located, tuned.Tuned(dict(outcome.options), outcome.gains, first.run, first.date)
        )
    elif not outcome.interrupted and any(one.comparison is not None for one in outcome.tries):
        tuned.forget(located)
    keep(outcome.records, settings)


def _said(one: "Try") -> str:
    from runner.models.tuned import words_of

    if one.comparison is None:
        return f"{words_of(one.options)}: not tried: {one.why}"
    tests = ", ".join(
        f"{test.test} {test.ratio - 1:+.1%} {test.verdict}" for test in one.comparison.tests
    )
    return f"{words_of(one.options)}: {tests}; {'kept' if one.kept else 'not kept'}"


def _print(outcome: "Outcome") -> None:
    from runner.models.tuned import words_of

    if outcome.interrupted:
        print("stopped: nothing is kept")
        return
    if not outcome.options:
        print("nothing that was tried is significantly faster than what holds already")
        return
    gained = ", ".join(
        f"{test} {ratio - 1:+.1%} (from {low - 1:+.1%} to {high - 1:+.1%})"
        for test, (ratio, low, high) in outcome.gains.items()
    )
    print(f"kept: {words_of(outcome.options)}\ngained over the defaults: {gained}")


def _plain(located: "Located", outcome: "Outcome") -> dict[str, Any]:
    from runner.bench.plain import to_plain

    return {
        "model": located.name,
        "options": dict(outcome.options),
        "gains": {name: list(gain) for name, gain in outcome.gains.items()},
        "tries": [
            {
                "options": dict(one.options),
                "kept": one.kept,
                "comparison": to_plain(one.comparison) if one.comparison else None,
                "why": one.why,
            }
            for one in outcome.tries
        ],
        "run": outcome.records[0].run if outcome.records else None,
    }
