"""How long runs should be where two arms are held against each other: short ones.

What disturbs a machine lasts for a second or more. Arms that take turns faster than that share it,
and a comparison of many short runs is decided sooner than one of few long ones.
"""

from collections.abc import Sequence

from runner.bench.arms import Arm
from runner.bench.measure import Remark, Tell, interrupted, measure
from runner.bench.metrics import rates_by_block
from runner.bench.record import Record
from runner.bench.wanted import Wanted
from runner.bench.workloads import Workload, synthetic

SECONDS = 0.5
"""What a run should take, of the slower arm."""

PREFILLS = (512, 256, 128, 64, 32)
DECODES = (128, 64, 32, 16, 8)

PROBES = synthetic([PREFILLS[-1]], [DECODES[-1]])
PROBING = Wanted(time_budget=1.0, least_blocks=1, most_blocks=1, warm_ups=2, ceiling=False)
"""What tells how fast an arm is, about: a block of the shortest runs."""


def sized(
    arms: Sequence[Arm], *, progress: Tell | None = None, remark: Remark | None = None
) -> tuple[Workload, ...]:
    """A prefill and a decode, as long as `SECONDS` have room for, after a block of the shortest
    ones. Raises what `measure` raises, and KeyboardInterrupt where it was stopped."""
    records = measure(arms, PROBES, PROBING, progress=progress, remark=remark)
    if interrupted(records):
        raise KeyboardInterrupt
    return lasting(*(_slowest(records, probe.name) for probe in PROBES))


def lasting(prefill: float, decode: float) -> tuple[Workload, ...]:
    """The two tests, of a model that reads and writes so many tokens/s."""
    return synthetic([fitting(prefill, PREFILLS)], [fitting(decode, DECODES)])


def fitting(rate: float, lengths: Sequence[int]) -> int:
    """The longest of `lengths` that takes at most `SECONDS` at that rate, else the shortest."""
    return next((length for length in lengths if length <= rate * SECONDS), lengths[-1])


def _slowest(records: Sequence[Record], name: str) -> float:
    tests = [test for record in records if (test := record.test(name)) is not None]
    rates = [min(rates_by_block(test).values(), default=0) for test in tests]
    return min(rates, default=0.0)
