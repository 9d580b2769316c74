"""From samples to a record: summaries, the noise of equal arms, flags."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from runner.bench import metrics, order
from runner.bench.advice import advice
from runner.bench.arms import Arm
from runner.bench.bench_model import Loaded
from runner.bench.ceiling import ceiling
from runner.bench.cost import costs
from runner.bench.flags import flags
from runner.bench.prices import Prices
from runner.bench.record import (
    Energy,
    Flag,
    Load,
    Machine,
    MemoryUse,
    Method,
    ModelFile,
    Noise,
    Record,
    Sample,
    Summary,
    Test,
    Tool,
)
from runner.bench.statistics import noise, outlying, summarize
from runner.bench.workloads import Workload
from runner.gguf import Header
from runner.models.tuned import tuned_for

REFUSED = frozenset[Flag](("CACHED", "IMPLAUSIBLE"))

BURST_SECONDS = 30.0
"""How long processors run above what they can keep up; at least as long after it is `sustained`."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What all records of a run share."""

    run: str
    date: str
    tool: Tool
    machine: Machine
    seed: int
    confidence: float
    prices: Prices
    ceiling: bool = True


@dataclass(slots=True)
class Taken:
    """What is known of one arm so far."""

    arm: Arm
    id: str
    model: ModelFile
    header: Header
    loaded: Loaded | None = None
    samples: dict[Workload, list[Sample]] = field(default_factory=dict)
    cold_first_token: dict[str, float] = field(default_factory=dict)
    load: Load | None = None
    memory: MemoryUse | None = None
    energy: tuple[Energy, ...] = ()
    energy_of: dict[str, str] = field(default_factory=dict)
    """The tests by which the energy of prefill and decode was measured."""
    warm_ups: int = 0
    seconds: dict[Workload, float] = field(default_factory=dict)
    """What a run took when it was warmed up last."""
    failed: bool = False
    """It takes no part any more."""


def main_figures(taken: Taken, confidence: float) -> Iterator[Summary]:
    """The figure that each test is about, one after the other, of the samples so far."""
    for workload, samples in taken.samples.items():
        main = metrics.PRIMARY[workload.kind]
        if found := metrics.values_of(samples, main):
            yield summarize(main.name, main.unit, main.formula, found, confidence=confidence)


def without_energy(phases: Iterable[str], reason: str) -> tuple[Energy, ...]:
    """What is said of energy that was not measured."""
    return tuple(Energy(of, None, None, None, "machine", "", None, reason=reason) for of in phases)


def record(taken: Taken, facts: Facts, method: Method) -> Record:
    """The record of an arm that was loaded, of the samples so far."""

    assert taken.loaded is not None
    tests, noises = [], []
    for workload, samples in taken.samples.items():
        if samples:
            test = _test(workload, samples, taken, facts)
            found = _noise(test, facts.seed)
            noises += [found] if found else []
            tests.append(_judged(test, found, taken, facts))
    made = Record(
        id=taken.id,
        run=facts.run,
        date=facts.date,
        kind="speed",
        name=taken.arm.name,
        tool=facts.tool,
        machine=facts.machine,
        model=taken.model,
        configuration=taken.loaded.configuration,
        method=replace(method, warm_ups=taken.warm_ups),
        tests=tuple(tests),
        load=taken.load,
        memory=taken.memory,
        noise=tuple(noises),
        flags=tuple(dict.fromkeys(flag for test in tests for flag in test.flags)),
    )
    tuned = tuned_for(taken.arm.located)
    options = tuned.options if tuned is not None else {}
    return replace(made, advice=advice(made, taken.header, options))


def _test(workload: Workload, samples: Sequence[Sample], taken: Taken, facts: Facts) -> Test:
    rates = [metrics.PRIMARY[workload.kind].of(sample) or 0.0 for sample in samples]
    marked = [
        replace(sample, outlier=out) for sample, out in zip(samples, outlying(rates), strict=True)
    ]
    test = Test(
        name=workload.name,
        kind=workload.kind,
        workload="text" if workload.text else "random tokens",
        workload_sha256=workload.sha256,
        prompt_tokens=workload.prompt_tokens or (samples[0].prompt_tokens if workload.text else 0),
        reply_tokens=workload.reply_tokens,
        depth=workload.depth,
        samples=tuple(marked),
    )
    return replace(test, summaries=(*_summaries(test, facts), *_once(test, taken)))


def _summaries(test: Test, facts: Facts) -> list[Summary]:
    found = [
        summarize(metric.name, metric.unit, metric.formula, values, confidence=facts.confidence)
        for metric in metrics.FIGURES[test.kind]
        if (values := metrics.values(test, metric))
    ]
    return found + _burst(test, facts)


def _burst(test: Test, facts: Facts) -> list[Summary]:
    """The rate while the processor is fresh and after that, where it was measured long enough."""
    if not test.samples or test.samples[-1].began < 2 * BURST_SECONDS:
        return []
    main = metrics.PRIMARY[test.kind]
    early = [one for one in test.samples if one.began < BURST_SECONDS]
    late = [one for one in test.samples if one.began >= BURST_SECONDS]
    parts = (
        ("burst_rate", early, f"{main.formula}, in the first {BURST_SECONDS:.0f} s"),
        ("sustained_rate", late, f"{main.formula}, after {BURST_SECONDS:.0f} s"),
    )
    return [
        summarize(name, main.unit, formula, values, confidence=facts.confidence)
        for name, samples, formula in parts
        if (values := metrics.values_of(samples, main))
    ]


def _once(test: Test, taken: Taken) -> list[Summary]:
    """What was measured once, before the blocks."""
    seconds = taken.cold_first_token.get(test.name)
    if seconds is None:
        return []
    formula = "from the request to the first sampled token, the first after loading"
    return [Summary("first_token_cold", "s", formula, seconds, None, 1, 1)]


def _noise(test: Test, seed: int) -> Noise | None:
    """The two runs of each block, taken as two equal arms."""
    halves: tuple[list[tuple[int, float]], list[tuple[int, float]]] = [], []
    seen: dict[int, int] = {}
    for block, value in metrics.values(test, metrics.PRIMARY[test.kind]):
        number = seen[block] = seen.get(block, -1) + 1
        halves[(number + order.heads(seed, block, test.name)) % 2].append((block, value))
    try:
        return noise(test.name, *halves)
    except ValueError:  # no block was finished
        return None


def _judged(test: Test, found: Noise | None, taken: Taken, facts: Facts) -> Test:
    """The test with its ceiling, energy and flags; what is refused has no figures."""
    assert taken.loaded is not None
    if facts.ceiling:
        test = replace(test, ceiling=ceiling(test, taken.header, taken.loaded.configuration))
    test = replace(test, flags=flags(test, found), energy=_energy(test, taken))
    if any(one.gross is not None for one in test.energy):
        test = replace(test, costs=costs(test.energy, facts.prices))
    return replace(test, summaries=()) if REFUSED & set(test.flags) else test


def _energy(test: Test, taken: Taken) -> tuple[Energy, ...]:
    """What was measured by this test, or why nothing was."""
    return tuple(one for one in taken.energy if taken.energy_of.get(one.of) == test.name)
