"""What measuring costs for each token: the time that is noted when a token is sampled, and what a
run takes around it, spread over its tokens.

    python -m tests.performance.measuring_cost
"""

import random
import statistics
import time

from runner.bench.arms import Arm
from runner.bench.bench_model import GREEDY, BenchModel
from runner.bench.statistics import median_interval
from runner.bench.workloads import synthetic
from runner.engine.options import Options
from runner.machine.conditions import Watch
from runner.models import shipped
from runner.settings import Settings

TOKENS, PAIRS, WATCHES = 128, 400, 200


def main() -> None:
    tests = synthetic([], [TOKENS])
    model = BenchModel(Arm("tiny", shipped(), Settings(threads=1)), tests)
    inner, differences = model._model, list[float]()
    try:
        for pair in range(PAIRS):
            seconds = dict.fromkeys((False, True), 0.0)
            order = (
                [False, True, True, False] if random.random() < 0.5 else [True, False, False, True]
            )
            for times in order:
                options = Options(
                    sampling=GREEDY, max_tokens=TOKENS + 1, ignore_end=True, reuse=False,
                    private=True, times=times,
                )  # fmt: skip
                finish = inner.generate([pair + 5], options).drain()
                seconds[times] += finish.timings.decode_seconds
            differences.append((seconds[True] - seconds[False]) / (2 * TOKENS))
    finally:
        model.close()
    noted = list[float]()
    began = time.perf_counter()
    for _ in range(100_000):
        noted.append(began)
    append = (time.perf_counter() - began) / 100_000
    watch, spans = Watch(), list[float]()
    for _ in range(WATCHES):
        began = time.perf_counter()
        watch.begin()
        watch.end()
        spans.append(time.perf_counter() - began)
    low, high = median_interval(differences)
    print(f"noting the time of a token      {append * 1e6:8.3f} us")
    print(
        f"a token with times, less without {statistics.median(differences) * 1e6:7.2f} us "
        f"({low * 1e6:.2f} to {high * 1e6:.2f}, 95 % interval of the median of {PAIRS} pairs)"
    )
    print(
        f"looking at the machine, per run  {statistics.median(spans) * 1e6:7.0f} us, outside the "
        f"time that is measured; {statistics.median(spans) * 1e6 / TOKENS:.2f} us for each of "
        f"{TOKENS} tokens"
    )


if __name__ == "__main__":
    main()
