"""How long runs should be where two arms are held against each other: short ones.

What disturbs a machine lasts for a second or more. Arms that take turns faster than that share it,
and a comparison of many short runs is decided sooner than one of few long ones.
"""

from collections.abc import Sequence

from runner.bench.arms import Arm
from runner.bench.measure import Remark, Tell, measure
from runner.bench.metrics import PRIMARY, values
from runner.bench.record import Record
from runner.bench.statistics import by_block
from runner.bench.wanted import Wanted
from runner.bench.workloads import Workload, synthetic

SECONDS = 0.5
"""What a run should take, of the slower arm."""

PREFILLS = (512, 256, 128, 64, 32)
DECODES = (128, 64, 32, 16, 8)


def sized(
    arms: Sequence[Arm], *, progress: Tell | None = None, remark: Remark | None = None
) -> tuple[Workload, ...]:
    """A prefill and a decode, as long as `SECONDS` have room for, after a block of the shortest
    ones. Raises what `measure` raises, and KeyboardInterrupt where it was stopped."""
    probes = synthetic([PREFILLS[-1]], [DECODES[-1]])
    wanted = Wanted(time_budget=1.0, least_blocks=1, most_blocks=1, warm_ups=2, ceiling=False)
    records = measure(arms, probes, wanted, progress=progress, remark=remark)
    if any(one.method is not None and one.method.stopped == "interrupted" for one in records):
        raise KeyboardInterrupt
    prefill, decode = (_slowest(records, probe.name) for probe in probes)
    return synthetic([fitting(prefill, PREFILLS)], [fitting(decode, DECODES)])


def fitting(rate: float, lengths: Sequence[int]) -> int:
    """The longest of `lengths` that takes at most `SECONDS` at that rate, else the shortest."""
    return next((length for length in lengths if length <= rate * SECONDS), lengths[-1])


def _slowest(records: Sequence[Record], name: str) -> float:
    tests = [test for record in records if (test := record.test(name)) is not None]
    rates = [min(by_block(values(test, PRIMARY[test.kind])).values(), default=0) for test in tests]
    return min(rates, default=0.0)
