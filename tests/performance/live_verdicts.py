"""Comparisons of a model with itself, live: equal arms, and one that is throttled, as often.

The throttled arm's process is stopped for a share of each cycle while it runs, so that it is truly
slower by that; verdicts are reported as they come. Needs a quiet machine (beside other programs the
scheduler gives a stopped process its time back), and a system with SIGSTOP.

    python -m tests.performance.live_verdicts MODEL [--count 5] [--slower 5] [--time 600]
"""

import argparse
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from runner import models
from runner.bench.arm_process import ArmProcess
from runner.bench.arms import Arm
from runner.bench.compare import compare, decided
from runner.bench.measure import measure
from runner.bench.record import Sample
from runner.bench.sizing import sized
from runner.bench.wanted import Wanted
from runner.bench.workloads import Workload
from runner.settings import Settings

CYCLE = 0.02
"""Seconds; with 5 %, a millisecond of them stopped."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a name, or the path of a .gguf file")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--slower", type=float, default=5.0, help="percent")
    parser.add_argument("--time", type=float, default=600.0, help="seconds for each, at most")
    parser.add_argument("--threads", type=int)
    chosen = parser.parse_args()
    located = models.locate(chosen.model, ())
    settings = Settings(threads=chosen.threads)
    arms = [Arm(name, located, settings) for name in ("one", "other")]
    tests = sized(arms)
    print(f"{located.name}: {', '.join(test.name for test in tests)}, at most {chosen.time:g} s")
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
    """Stop the process for `share` of the time; what a sleep took too long is made up for."""
    began, stopped = time.perf_counter(), 0.0
    while not done.wait(CYCLE * (1 - share)):
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
