"""Predicted speed beside measured speed, on this machine.

    python -m tests.performance.predicted_speed MODEL.gguf… [--rounds 3] [--depth 512]

For each model in turn: the machine is measured, then Runner's engine reads a prompt of `depth`
tokens and decodes a reply; and again, since a machine's speed changes while one looks. The error of
a round is that of the prediction from the rates measured just before it and just after it.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.engine.events import Timings
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement, Wishes, place
from runner.fit.speed import Speed, predicted
from runner.fit.wishes import BATCH
from runner.fit.work import Work, work_of
from runner.gguf import read_whole_header
from runner.machine.measuring import measured
from runner.machine.rates import Rates
from tests.performance.interleaved import note

REPLY = 33
ASKED = 0.2


def timings(model: Model, depth: int, seed: int) -> Timings:
    """Those of a prompt of that length, unlike any before, and a reply."""
    draw = random.Random(seed)
    prompt = [draw.randrange(1000, model.vocabulary.size // 2) for _ in range(depth)]
    options = Options(
        sampling=Sampling(temperature=0.0, seed=0),
        max_tokens=REPLY,
        ignore_end=True,
        reuse=False,
        private=True,
    )
    with model.generate(prompt, options) as stream:
        return stream.drain().timings


def prediction(work: Work, placement: Placement, rates: Rates, depth: int) -> Speed:
    """A prompt's speed is that of its batches together, a reply's that of its middle."""
    where = dict(zip(placement.devices or (), map(int, placement.split), strict=True))

    def at(tokens: int) -> Speed:
        found = predicted(
            work,
            rates,
            layers_on=where,
            experts_on_cpu=placement.experts_on_cpu,
            context_depth=tokens,
        )
        assert found is not None
        return found

    prefill = statistics.harmonic_mean([at(start).prefill for start in range(0, depth, BATCH)])
    return Speed(prefill, at(depth + REPLY // 2).decode)


def rounds(path: Path, count: int, depth: int) -> list[tuple[Speed, Speed]]:
    """Predicted and measured, `count` times."""
    placement = place(path, Wishes(context=depth + 2 * BATCH))
    work = work_of(read_whole_header(path))
    found = []
    with Model.open(path, replace(placement, remarks=())) as model:
        timings(model, 64, seed=-1)
        before = measured()
        for number in range(count):
            taken = timings(model, depth, seed=number)
            after = measured()
            guesses = [prediction(work, placement, rates, depth) for rates in (before, after)]
            guess = Speed(
                statistics.harmonic_mean([one.prefill for one in guesses]),
                statistics.harmonic_mean([one.decode for one in guesses]),
            )
            found.append((guess, Speed(taken.prefill_rate, taken.decode_rate)))
            before = after
            print(".", end="", file=sys.stderr, flush=True)
    return found


def show(name: str, kind: str, guesses: Sequence[float], seen: Sequence[float]) -> None:
    errors = [guess / real - 1 for guess, real in zip(guesses, seen, strict=True)]
    middle = statistics.median(errors)
    spread = f"{min(errors):+.1%} to {max(errors):+.1%}"
    print(
        f"| {name:<20} | {kind:<7} | {statistics.median(guesses):9.2f} "
        f"| {statistics.median(seen):9.2f} | {middle:+8.1%} | {spread} |",
        flush=True,
    )
    note(f"{name}: {kind}, predicted / measured", f"{1 + middle:.3f}", spread, f"1 ± {ASKED:.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--depth", type=int, default=BATCH)
    options = parser.parse_args()
    print(
        "| model                | what    | predicted |  measured |    error | range over rounds |"
    )
    print("|---|---|---|---|---|---|")
    for path in options.models:
        found = rounds(path, options.rounds, options.depth)
        for kind in ("prefill", "decode"):
            guesses = [getattr(guess, kind) for guess, _ in found]
            show(path.stem, kind, guesses, [getattr(real, kind) for _, real in found])


if __name__ == "__main__":
    main()
