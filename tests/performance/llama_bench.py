"""What `runner bench` measures beside the real llama-bench, by turns.

    python -m tests.performance.llama_bench MODEL.gguf [--blocks 15] [-p 128] [-n 32]

llama-bench is built from the source package of the llama-cpp-python that Runner pins (see
`native.py`), and gets the threads and batch that Runner chose, with flash attention. Both load the
model and warm up in each turn, Runner in the process that `runner bench` measures in. Turns are
short, because what disturbs a machine lasts: of turns of half a minute the ratios of one pair
differed by a fifth.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

from runner import models
from runner.bench.arm_process import ArmProcess
from runner.bench.arms import Arm
from runner.bench.metrics import PRIMARY
from runner.bench.order import mirrored
from runner.bench.shift import paired
from runner.bench.workloads import Workload, synthetic
from runner.settings import Settings
from tests.performance.native import programs

RUNS = 2
"""That count of each test in a turn; each side has two turns in a block."""

OURS, THEIRS = "Runner", "llama-bench"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("-p", "--prompt", type=int, default=128)
    parser.add_argument("-n", "--reply", type=int, default=32)
    chosen = parser.parse_args()
    tests = tuple(synthetic([chosen.prompt], [chosen.reply]))
    process = ArmProcess(Arm(OURS, models.locate(str(chosen.model), ()), Settings()), tests)
    print("| test | Runner | llama-bench | ratio | 95 % interval | blocks |")
    print("|---|---|---|---|---|---|")
    try:
        loaded = process.open().configuration
        process.unload()
        theirs = [str(programs() / "llama-bench"), "-m", str(chosen.model), "-o", "json"]
        theirs += ["-t", str(loaded.threads), "-b", str(loaded.batch), "-r", str(RUNS)]
        theirs += ["-ub", str(loaded.micro_batch), "-fa", "1", "-ngl", "0"]
        for test in tests:
            blocks = []
            for block in range(chosen.blocks):
                rates: dict[str, list[float]] = {OURS: [], THEIRS: []}
                for side, half in mirrored((OURS, THEIRS), 0, block, test.name):
                    rates[side] += (
                        _ours(process, test, f"{block} {half}")
                        if side == OURS
                        else _theirs(theirs, test)
                    )
                blocks.append({side: statistics.median(rates[side]) for side in rates})
                print(f"{test.name} {blocks[-1]}", file=sys.stderr, flush=True)
            _show(test.name, blocks)
    finally:
        process.close()


def _ours(process: ArmProcess, test: Workload, draw: str) -> list[float]:
    process.open()
    process.run(test, f"warm-up {draw}")
    samples = [process.run(test, f"{draw} {number}") for number in range(RUNS)]
    process.unload()
    return [PRIMARY[test.kind].of(sample) or math.nan for sample in samples]


def _theirs(command: list[str], test: Workload) -> list[float]:
    replied = test.reply_tokens if test.kind == "decode" else 0
    lengths = ["-p", str(0 if replied else test.prompt_tokens), "-n", str(replied)]
    done = subprocess.run([*command, *lengths], check=True, capture_output=True, text=True)
    rates: list[float] = json.loads(done.stdout)[0]["samples_ts"]
    return rates


def _show(name: str, blocks: list[dict[str, float]]) -> None:
    shift = paired([math.log(rates[OURS] / rates[THEIRS]) for rates in blocks])
    low, high = shift.interval(0.05) or (-math.inf, math.inf)
    medians = [statistics.median(rates[side] for rates in blocks) for side in (OURS, THEIRS)]
    print(
        f"| {name} | {medians[0]:.2f} | {medians[1]:.2f} | {math.exp(shift.estimate):.4f} "
        f"| {math.exp(low):.4f} to {math.exp(high):.4f} | {len(blocks)} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
