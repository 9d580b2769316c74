"""Stands for measuring where a search is tested: time passes as it would, and rates are given."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from runner.bench import record, tune
from runner.bench.arms import Arm
from runner.bench.wanted import Wanted
from runner.bench.workloads import Workload
from runner.settings import Settings

from .compared import CONFIGURATION, MACHINE, MODEL, TOOL

PREFILL, DECODE = 64.0, 8.0
OVERHEAD = 2.0
"""Seconds to load two arms and to warm them up."""

CLEAR = 0.05
"""A difference that is decided as soon as it may be."""


class Timed:
    """`factor` gives how many times as fast settings are as the defaults, by the number of the
    measurement (0 finds out the pace). `taken` holds the options of each candidate's arm that was
    measured, and its time budget. `stop_at` is the measurement that Ctrl-C ends."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        factor: Callable[[Settings, int], float] = lambda settings, number: 1.0,
        stop_at: int | None = None,
    ) -> None:
        self.now, self.taken, self._factor, self._stop_at = 0.0, list[Wanted](), factor, stop_at
        monkeypatch.setattr(tune, "measure", self.measure)
        monkeypatch.setattr(tune, "time", SimpleNamespace(monotonic=lambda: self.now))

    def measure(
        self, arms: Sequence[Arm], by: Sequence[Workload], wanted: Wanted, **_: Any
    ) -> tuple[record.Record, ...]:
        number = len(self.taken)
        self.taken.append(wanted)
        if number == self._stop_at:
            raise KeyboardInterrupt
        factors = [self._factor(arm.settings, number) for arm in arms]
        block = sum(2 * sum(_seconds(one, factor) for factor in factors) for one in by)
        blocks = max(1, int(wanted.time_budget / block))
        if abs(factors[-1] / factors[0] - 1) > CLEAR:
            blocks = min(blocks, tune.BLOCKS)
        self.now += OVERHEAD + blocks * block
        method = record.Method(
            blocks, 1, 6, wanted.time_budget, 0.01, 0.95, 0, "time", blocks * block, True
        )
        return tuple(
            record.Record(
                id=arm.name, run=f"run {number}", date="2026-01-01T00:00:00Z", kind="speed",
                name=arm.name, tool=TOOL, machine=MACHINE, model=MODEL,
                configuration=CONFIGURATION, method=method,
                tests=tuple(_test(one, factor, blocks) for one in by),
            )
            for arm, factor in zip(arms, factors, strict=True)
        )  # fmt: skip


def _seconds(workload: Workload, factor: float) -> float:
    prompt = workload.prompt_tokens or len(workload.text) / tune.LETTERS
    return (prompt / PREFILL + workload.reply_tokens / DECODE) / factor


def _test(workload: Workload, factor: float, blocks: int) -> record.Test:
    """Rates that sway a little from block to block, in all arms alike."""
    samples = []
    for block in range(blocks):
        sway = 1 + 0.001 * (-1) ** block
        read, decoded = PREFILL * factor * sway, DECODE * factor * sway
        prompt, reply = max(workload.prompt_tokens, 1), workload.reply_tokens + 1
        samples.append(
            record.Sample(
                block, 0, float(block), prompt, 0, reply, prompt / read, prompt / read,
                (reply - 1) / decoded, prompt / read + (reply - 1) / decoded,
            )
        )  # fmt: skip
    return record.Test(
        workload.name, workload.kind, "random tokens", workload.sha256, workload.prompt_tokens,
        workload.reply_tokens, workload.depth, tuple(samples),
    )  # fmt: skip
