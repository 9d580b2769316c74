"""What the scripts here share: sides measured by turns, and the table of their ratios.

A machine that slows down slows both sides of a pair, so a pair's ratio holds where rates alone
would not. The first pair of each is a warm-up and is left out; which side goes first alternates.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

COLLECT = "RUNNER_MEASURED"
"""Names the file to which figures are added as lines of JSON, for `table.py`."""


def pairs(sides: Mapping[str, Callable[[int], T]], count: int) -> list[dict[str, T]]:
    """Each side's results, `count` times; a side is called with the pair's number."""
    measured: list[dict[str, T]] = []
    for number in range(-1, count):
        names = list(sides) if number % 2 else list(sides)[::-1]
        results = {name: sides[name](number) for name in names}
        if number >= 0:
            measured.append({name: results[name] for name in sides})
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return measured


def show(
    title: str, unit: str, measured: Sequence[Mapping[str, float]], *, bound: str = ""
) -> float:
    """Print each side's median and range, and the ratio of the second side to the first; returns
    the median of the ratios."""
    first, second = measured[0]
    print(f"{title}, {len(measured)} pairs")
    for name in (first, second):
        values = [results[name] for results in measured]
        print(
            f"  {name:<28} {statistics.median(values):10.4g} {unit} "
            f"({min(values):.4g} to {max(values):.4g})"
        )
    ratios = sorted(results[second] / results[first] for results in measured)
    middle = statistics.median(ratios)
    print(
        f"  {'ratio':<28} {middle:10.4g} ({ratios[0]:.4g} to {ratios[-1]:.4g})"
        f"{f'; asked: {bound}' if bound else ''}"
    )
    note(title, f"{middle:.4g}", f"{ratios[0]:.4g} to {ratios[-1]:.4g}", bound)
    return middle


def note(title: str, figure: str, spread: str, bound: str) -> None:
    """Hand a figure to the table of all, where one is being made."""
    if file := os.environ.get(COLLECT):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([title, figure, spread, bound]) + "\n")
