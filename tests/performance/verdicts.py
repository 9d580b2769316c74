"""How often verdicts are wrong, and how often there is none: comparisons simulated on noise that
was recorded on a quiet machine (`noise.json`: rates of one model, run after run).

Stretches of the recording are drawn anew, so that what lasts for some runs still does, and dealt to
two arms in blocks of ABBA or BAAB by a coin, as a measurement does; a true difference is put on the
second arm. The rule that `runner compare` follows judges at its moments, and stops at a verdict
on both tests or when the time is over. A level of ½ halves each deviation from the median.

    python -m tests.performance.verdicts [--count 2000] [--only 1.5B]
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy

from runner.bench.compare import MARGIN
from runner.bench.proportions import wilson
from runner.bench.shift import paired
from runner.bench.verdicts import Rule, Verdict, holm, is_look

RECORDED = Path(__file__).parent / "noise.json"
ERROR = 0.05
STRETCH = 8
"""Runs of a recording that stay together: with those of the 1.5B model, half a minute."""

FIRST_LOOK = 6
MOST_BLOCKS = 300
"""As `runner.bench.shift` averages more than 200 of them, more say little else."""


HEADS = (
    "noise",
    "true",
    "looks, time, blocks",
    "wrong",
    "undecided",
    "undecided, a test",
    "equivalent, a test",
    "slower, a test",
    "median blocks",
)


@dataclass(frozen=True)
class Scenario:
    """`looks` says how one looks: "rule" as the program does, "naive" as one who does not know what
    it costs, "once" at the end only."""

    model: str
    level: float
    difference: float
    seconds: float = 600.0
    looks: str = "rule"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--only", help="the recording of one model")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    models = [chosen.only] if chosen.only else list(json.loads(RECORDED.read_text("utf-8")))
    scenarios = list(all_scenarios(models))
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    with ProcessPoolExecutor(chosen.processes) as pool:
        for line in pool.map(row, scenarios, [chosen.count] * len(scenarios)):
            print(line, flush=True)


def all_scenarios(models: Sequence[str]) -> Iterator[Scenario]:
    for model in models:
        for level in (1.0, 0.5, 0.25):
            for difference in (0.0, -0.03, -0.05):
                yield Scenario(model, level, difference)
    for looks in ("once", "naive"):
        yield Scenario(models[0], 1.0, 0.0, looks=looks)
    yield Scenario(models[0], 1.0, 0.0, seconds=1200.0)


def row(scenario: Scenario, count: int) -> str:
    """A line of the table: shares of all comparisons with their 95 % intervals."""
    outcomes: Counter[str] = Counter()
    tests, blocks = 0, []
    for seed in range(count):
        verdicts, used, _ = simulate(scenario, seed)
        tests += len(verdicts)
        outcomes.update(f"test {one}" for one in verdicts)
        outcomes["wrong"] += is_wrong(verdicts, scenario.difference)
        outcomes["undecided"] += "undecided" in verdicts
        blocks.append(used)

    def share(name: str, of: int) -> str:
        low, high = wilson(outcomes[name], of)
        return f"{outcomes[name] / of:.1%} ({low:.1%} to {high:.1%})"

    cells = (
        f"{scenario.model} × {scenario.level:g}",
        f"{scenario.difference:+.0%}",
        f"{scenario.looks}, {scenario.seconds / 60:g} min, {most_blocks(scenario)}",
        share("wrong", count),
        share("undecided", count),
        share("test undecided", tests),
        share("test equivalent", tests),
        share("test slower", tests),
        str(sorted(blocks)[count // 2]),
    )
    return f"| {' | '.join(cells)} |"


def is_wrong(verdicts: Sequence[Verdict], difference: float) -> bool:
    """Whether any verdict says what is not so: a difference where there is none, one of the other
    sign, or none where there is one beyond the margin."""
    if difference == 0:
        return "faster" in verdicts or "slower" in verdicts
    return "faster" in verdicts or "equivalent" in verdicts


def most_blocks(scenario: Scenario) -> int:
    """As many as the time has room for."""
    tests = json.loads(RECORDED.read_text("utf-8"))[scenario.model].values()
    block = 4 * sum(test["seconds"] for test in tests)
    return min(MOST_BLOCKS, int(scenario.seconds / block))


def simulate(scenario: Scenario, seed: int) -> tuple[list[Verdict], int, list[float]]:
    """The verdict on each test, after how many blocks, and the ratios that were found."""
    draw = numpy.random.default_rng([seed, int(100 * scenario.level)])
    most = most_blocks(scenario)
    differences = deal(scenario, most, draw)
    verdicts: list[Verdict] = []
    for blocks in moments(scenario, most):
        looked = blocks / most if scenario.looks == "rule" else None
        rule = Rule(MARGIN, ERROR, looked)
        shifts = [paired(test[:blocks].tolist()) for test in differences]
        corrected = holm([rule.p(shift) for shift in shifts])
        verdicts = [rule.verdict(*pair) for pair in zip(shifts, corrected, strict=True)]
        if "undecided" not in verdicts:
            break
    return verdicts, blocks, [shift.estimate for shift in shifts]


def moments(scenario: Scenario, most: int) -> list[int]:
    """After how many blocks one looks."""
    if scenario.looks == "once":
        return [most]
    every = range(FIRST_LOOK, most + 1)
    return [n for n in every if scenario.looks == "naive" or is_look((n - 1) / most, n / most)]


def deal(
    scenario: Scenario, blocks: int, draw: numpy.random.Generator
) -> list[numpy.ndarray[tuple[int], numpy.dtype[numpy.float64]]]:
    """For each test, the log ratio of the second arm to the first in each block."""
    recorded = json.loads(RECORDED.read_text("utf-8"))[scenario.model]
    length = len(next(iter(recorded.values()))["rates"])
    starts = draw.integers(0, length, -(-4 * blocks // STRETCH))
    order = (starts[:, None] + numpy.arange(STRETCH)).ravel()[: 4 * blocks] % length
    coins = draw.choice((-1.0, 1.0), blocks)
    found = []
    for test in recorded.values():
        rates = numpy.log(numpy.array(test["rates"]))
        runs = scenario.level * (rates - numpy.median(rates))[order].reshape(blocks, 4)
        contrast = numpy.logaddexp(runs[:, 1], runs[:, 2]) - numpy.logaddexp(runs[:, 0], runs[:, 3])
        found.append(coins * contrast + math.log1p(scenario.difference))
    return found


if __name__ == "__main__":
    main()
