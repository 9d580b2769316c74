"""Two records held against each other: which is faster, which answers better, and how sure it is.

Blocks of one run are pairs, because what disturbed one arm disturbed the other; records of two runs
are compared without, and a drift between them counts as a difference. Records that differ in what a
speed depends on are not compared, unless that is asked for, and then it is said.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.bench.answers import TaskComparison, compare_tasks
from runner.bench.metrics import primary, rates_by_block
from runner.bench.record import Flag, Record, TaskResult, Test
from runner.bench.shift import Shift, paired, unpaired
from runner.bench.statistics import CONFIDENCE
from runner.bench.verdicts import Rule, Verdict, holm, least_made
from runner.errors import ConfigurationError

MARGIN = 0.02
"""A difference in speed up to which two are called equivalent: less than people notice, and than
machines drift from day to day."""

VOID: tuple[Flag, ...] = ("CACHED", "IMPLAUSIBLE")
LEAST = 2
"""Blocks without which not even a shift is worth telling."""


@dataclass(frozen=True, slots=True)
class TestComparison:
    """The second record's rate over the first's (`ratio`, with its interval), and the verdict on
    the second. `first` and `second` are the medians; `blocks` pairs, or those of the shorter side;
    `more_blocks` what an undecided one probably lacks, None where that cannot be told."""

    test: str
    metric: str
    unit: str
    first: float
    second: float
    ratio: float
    interval: tuple[float, float] | None
    p: float
    p_corrected: float
    verdict: Verdict
    blocks: int
    more_blocks: int | None
    paired: bool
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of the records `first` and `second` (ids; names beside them). `looked` is the share of the
    planned measurement after which a run that could stop at a verdict ended (the lesser of two),
    None where none could; `remarks` say in what the records differ, and what was left out."""

    first: str
    second: str
    first_name: str
    second_name: str
    margin: float
    confidence: float
    looked: float | None
    tests: tuple[TestComparison, ...]
    tasks: tuple[TaskComparison, ...]
    remarks: tuple[str, ...] = ()


def compare(
    a: Record,
    b: Record,
    *,
    margin: float = MARGIN,
    confidence: float = CONFIDENCE,
    across: bool = False,
) -> Comparison:
    """The tests and tasks that both records have; of others `remarks` tells. All p-values are
    corrected together.

    Raises ConfigurationError where they have nothing in common, or differ in machine, build, power
    source or workload and `across` does not allow it.
    """
    remarks = differences(a, b)
    if remarks and not across:
        raise ConfigurationError(
            f"{a.name} and {b.name} cannot be compared: {'; '.join(remarks)}",
            remedy="Measure both alike (`runner compare MODEL MODEL` does), or say --across.",
        )
    rule = Rule(margin, 1 - confidence, least_made((a.method, b.method)))
    pairs, left_out = _common_tests(a, b)
    shifts = [_shift(test, other, a.run == b.run) for test, other in pairs]
    tasks = compare_tasks(a, b, rule.error)
    left_out += _not_compared(a, b, tasks)
    if not shifts and not tasks:
        raise ConfigurationError(
            f"{a.name} and {b.name} have no test or task in common"
            + "".join(f"; {one}" for one in left_out),
            remedy="`runner history show` tells what a record has.",
        )
    corrected = holm([*map(rule.p, shifts), *(task.p for task in tasks)])
    judged = zip(pairs, shifts, corrected, strict=False)
    return Comparison(
        first=a.id,
        second=b.id,
        first_name=a.name,
        second_name=b.name,
        margin=margin,
        confidence=confidence,
        looked=rule.looked,
        tests=tuple(_judge(*pair, shift, p, len(corrected), rule) for pair, shift, p in judged),
        tasks=tuple(
            task.judged(p, rule.error)
            for task, p in zip(tasks, corrected[len(shifts) :], strict=True)
        ),
        remarks=(*remarks, *left_out),
    )


def decided(records: Sequence[Record], margin: float = MARGIN) -> bool:
    """Whether the first two records have a verdict on everything they share: what a measurement
    that may stop asks at its moments to look."""
    found = verdicts(records, margin)
    return found is not None and "undecided" not in found


def verdicts(records: Sequence[Record], margin: float = MARGIN) -> list[Verdict] | None:
    """On the tests that the first two records share; None where they cannot be compared."""
    try:
        found = compare(records[0], records[1], margin=margin)
    except ConfigurationError:
        return None
    return [test.verdict for test in found.tests]


def decides(margin: float) -> Callable[[Sequence[Record]], bool]:
    """`decided` for that margin."""
    return lambda records: decided(records, margin)


def differences(a: Record, b: Record) -> list[str]:
    """In what two records differ that a speed depends on, and that is not what is compared."""
    found = []
    if a.machine.id != b.machine.id:
        found.append(f"the machines differ ({a.machine.processor}, {b.machine.processor})")
    if a.tool.llama_cpp_python != b.tool.llama_cpp_python:
        versions = f"{a.tool.llama_cpp_python}, {b.tool.llama_cpp_python}"
        found.append(f"the versions of llama-cpp-python differ ({versions})")
    elif a.tool.build != b.tool.build:
        found.append("llama.cpp was built differently")
    if a.run != b.run and {_on_battery(a), _on_battery(b)} == {True, False}:
        found.append("one ran on battery and the other did not")
    for test in a.tests:
        other = b.test(test.name)
        if other is not None and other.workload_sha256 != test.workload_sha256:
            found.append(f"{test.name} is not the same work in both")
    for task in a.tasks:
        same = b.task(task.name)
        if same is not None and _how_asked(same) != _how_asked(task):
            found.append(
                f"{task.name} has other questions, or another way to ask them or to judge answers"
            )
    return found


def _how_asked(task: TaskResult) -> tuple[object, ...]:
    facts = task.facts or {}
    told = (facts.get(name) for name in ("rules", "window", "reference", "reference_quantization"))
    return task.kind, task.sha256, task.normaliser, *told


def _on_battery(record: Record) -> bool | None:
    """Whether any run was on battery; None where nothing tells."""
    told = [
        sample.conditions.on_battery
        for test in record.tests
        for sample in test.samples
        if sample.conditions.on_battery is not None
    ]
    return any(told) if told else None


def _common_tests(a: Record, b: Record) -> tuple[list[tuple[Test, Test]], list[str]]:
    """The tests to compare, and why others of the same name are not."""
    pairs, left_out = [], []
    for test in a.tests:
        other = b.test(test.name)
        if other is None:
            continue
        void = [flag for flag in VOID if flag in test.flags or flag in other.flags]
        if void:
            left_out.append(f"{test.name} is left out: {void[0]}")
        elif (metric := primary(test)) != primary(other):
            left_out.append(
                f"{test.name} is left out: one has its {metric.name}, the other its "
                f"{primary(other).name}"
            )
        elif len(_blocks(test, other, a.run == b.run)) < LEAST:
            left_out.append(f"{test.name} is left out: fewer than {LEAST} blocks")
        else:
            pairs.append((test, other))
    return pairs, left_out


def _not_compared(a: Record, b: Record, tasks: Sequence[TaskComparison]) -> list[str]:
    """What only one of two has, and common tasks of which they answered no item both."""
    found = []
    for one, other, which in ((a, b, "first"), (b, a, "second")):
        names = [test.name for test in one.tests if other.test(test.name) is None]
        names += [task.name for task in one.tasks if other.task(task.name) is None]
        if names:
            found.append(f"left out, because only the {which} has it: {', '.join(names)}")
    compared = {task.task for task in tasks}
    return found + [
        f"{task.name} is left out: no item of it is in both"
        for task in a.tasks
        if b.task(task.name) is not None and task.name not in compared
    ]


def _blocks(test: Test, other: Test, one_run: bool) -> list[int]:
    """The numbers of pairs; of the blocks of the shorter side where there are none."""
    first, second = rates_by_block(test), rates_by_block(other)
    if one_run:
        return sorted(first.keys() & second.keys())
    return sorted(first if len(first) < len(second) else second)


def _shift(test: Test, other: Test, one_run: bool) -> Shift:
    first, second = rates_by_block(test), rates_by_block(other)
    if one_run:
        common = _blocks(test, other, one_run)
        return paired([math.log(second[block] / first[block]) for block in common])
    return unpaired(
        [math.log(rate) for rate in first.values()], [math.log(rate) for rate in second.values()]
    )


def _judge(
    test: Test, other: Test, shift: Shift, p_corrected: float, tests: int, rule: Rule
) -> TestComparison:
    metric, one_run = primary(test), shift.second is None
    blocks = len(_blocks(test, other, one_run))
    verdict = rule.verdict(shift, p_corrected)
    return TestComparison(
        test=test.name,
        metric=metric.name,
        unit=metric.unit,
        first=statistics.median(rates_by_block(test).values()),
        second=statistics.median(rates_by_block(other).values()),
        ratio=math.exp(shift.estimate),
        interval=rule.interval(shift),
        p=rule.p(shift),
        p_corrected=p_corrected,
        verdict=verdict,
        blocks=blocks,
        more_blocks=rule.more_blocks(shift, blocks, tests) if verdict == "undecided" else None,
        paired=one_run,
        flags=tuple(dict.fromkeys((*test.flags, *other.flags))),
    )
