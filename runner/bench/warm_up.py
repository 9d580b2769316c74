"""Running each test of an arm in full until two successive runs take about as long: that pages the
weights in, fills caches and lets processors find their speed."""

import math
import time
from collections.abc import Callable

from runner.bench.record import Sample
from runner.bench.records import Taken
from runner.bench.workloads import Workload

STEADY = 0.02
"""Two successive runs that differ by less are warm."""

SHARE = 0.25
"""Of the time budget, that warming up may take; each test runs once in any case."""

ENDLESS = 240.0
"""Seconds that warming up takes a time budget for that has no end."""


def warm_up(
    taken: Taken,
    run: Callable[[Workload, str], Sample],
    *,
    most: int,
    seconds: float,
    tell: Callable[[Workload, float], None],
) -> None:
    """At most so many runs of each test; none but the first once `seconds` have passed. `tell` gets
    which test begins, and how much of the arm's warm-up is done."""
    end = time.perf_counter() + seconds
    for done, workload in enumerate(taken.samples):
        tell(workload, done / len(taken.samples))
        _until_steady(taken, workload, run, most, end)


def _until_steady(
    taken: Taken,
    workload: Workload,
    run: Callable[[Workload, str], Sample],
    most: int,
    end: float,
) -> None:
    before = math.inf
    for number in range(most):
        sample = run(workload, f"warm-up {number}")
        taken.warm_ups += 1
        taken.seconds[workload] = sample.total_seconds
        seconds = sample.prefill_seconds + sample.decode_seconds
        if abs(seconds - before) < STEADY * before or time.perf_counter() > end:
            return
        before = seconds
