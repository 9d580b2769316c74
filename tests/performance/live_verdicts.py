"""Comparisons of a model with itself, live: equal arms, and one that is throttled, as often.

The throttled arm's process is stopped for a share of each cycle while it runs, so that it is truly
slower by that; verdicts are reported as they come. Needs a quiet machine (beside other programs the
scheduler gives a stopped process its time back), and a system with SIGSTOP. `--check` measures the
throttle itself, on one arm with and without: what it takes should be what was asked.

    python -m tests.performance.live_verdicts MODEL [--count 5] [--slower 5] [--time 600]
"""

import argparse
import math
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from runner import models
from runner.bench.arm_process import ArmProcess
from runner.bench.arms import Arm
from runner.bench.compare import compare, decided
from runner.bench.measure import measure
from runner.bench.order import mirrored
from runner.bench.record import Sample
from runner.bench.shift import paired
from runner.bench.sizing import sized
from runner.bench.wanted import Wanted
from runner.bench.workloads import Workload
from runner.settings import Settings

CYCLE = 0.2
"""Seconds; with 5 %, ten milliseconds of them stopped. After shorter stops a decode catches up
where memory's bandwidth is handed out in turns: on a virtual machine 1.2 % were left of 5 % in
stops of 1 ms, and 4.9 % of 5 % in stops of 10 ms."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a name, or the path of a .gguf file")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--slower", type=float, default=5.0, help="percent")
    parser.add_argument("--time", type=float, default=600.0, help="seconds for each, at most")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--check", type=int, metavar="BLOCKS", help="measure the throttle alone")
    chosen = parser.parse_args()
    located = models.locate(chosen.model, ())
    settings = Settings(threads=chosen.threads)
    arms = [Arm(name, located, settings) for name in ("one", "other")]
    tests = sized(arms)
    print(f"{located.name}: {', '.join(test.name for test in tests)}, at most {chosen.time:g} s")
    if chosen.check:
        check(arms[1], tests, chosen.slower / 100, chosen.check)
        return
    print("| true | test | B to A | interval | p | blocks | seconds | verdict |")
    print("|---|---|---|---|---|---|---|---|")
    for number in range(2 * chosen.count):
        share = chosen.slower / 100 if number % 2 else 0.0
        wanted = Wanted(time_budget=chosen.time, width=0.0, seed=number)
        with throttled("other", share):
            records = measure(arms, tests, wanted, enough=decided)
        found = compare(records[0], records[1])
        method = records[0].method
        for test in found.tests:
            low, high = test.interval or (float("nan"), float("nan"))
            print(
                f"| {-share:+.0%} | {test.test} | {test.ratio - 1:+.1%} "
                f"| {low - 1:+.1%} to {high - 1:+.1%} | {test.p_corrected:.3f} | {test.blocks} "
                f"| {method.seconds if method else 0:.0f} | {test.verdict} |",
                flush=True,
            )


def check(arm: Arm, tests: Sequence[Workload], share: float, blocks: int) -> None:
    """Print by how much one arm's rate falls where it is throttled."""
    process = ArmProcess(arm, tuple(tests))
    try:
        process.open()
        for test in tests:
            process.run(test, "warm-up")
            logs = []
            for block in range(blocks):
                seconds = {0.0: 0.0, share: 0.0}
                for now, half in mirrored((0.0, share), 0, block, test.name):
                    with throttled(arm.name, now):
                        sample = process.run(test, f"{block} {half}")
                    seconds[now] += sample.prefill_seconds + sample.decode_seconds
                logs.append(math.log(seconds[0.0] / seconds[share]))
            shift = paired(logs)
            low, high = shift.interval(0.05) or (-math.inf, math.inf)
            print(f"{test.name}: {math.expm1(shift.estimate):+.1%} "
                  f"({math.expm1(low):+.1%} to {math.expm1(high):+.1%})", flush=True)  # fmt: skip
    finally:
        process.close()


@contextmanager
def throttled(name: str, share: float) -> Iterator[None]:
    """Runs of the arm of that name take longer, so that its rate falls by `share`."""
    honest = ArmProcess.run

    def run(self: ArmProcess, workload: Workload, draw: str) -> Sample:
        if self.arm.name != name or not share:
            return honest(self, workload, draw)
        done = threading.Event()
        stopper = threading.Thread(target=_stop_now_and_then, args=(self.pid, share, done))
        stopper.start()
        try:
            return honest(self, workload, draw)
        finally:
            done.set()
            stopper.join()

    ArmProcess.run = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        ArmProcess.run = honest  # type: ignore[method-assign]


def _stop_now_and_then(pid: int, share: float, done: threading.Event) -> None:
    """Stop the process for `share` of the time; what a sleep took too long is made up for. The
    first cycle began some time before, so that runs of few cycles get their share too."""
    phase = random.random() * CYCLE
    began, stopped = time.perf_counter() - phase, 0.0
    wait = max(0.0, CYCLE * (1 - share) - phase)
    while not done.wait(wait):
        wait = CYCLE * (1 - share)
        at = time.perf_counter()
        owed = (share * (at - began) - stopped) / (1 - share)
        if owed <= 0:
            continue
        os.kill(pid, signal.SIGSTOP)
        time.sleep(owed)
        os.kill(pid, signal.SIGCONT)
        stopped += time.perf_counter() - at


if __name__ == "__main__":
    main()
