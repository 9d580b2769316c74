"""Records made up for comparisons: given rates, nothing measured."""

from collections.abc import Mapping, Sequence

from runner.bench.record import (
    Configuration,
    Item,
    Machine,
    Method,
    ModelFile,
    Record,
    Sample,
    TaskResult,
    Test,
    Tool,
)

TOOL = Tool("0.1.0", "0.3.36", "CPU", "3.11")
MACHINE = Machine("m1", "a processor", 2, 4, 4, 2**34, "Linux", ("AVX2",), ("CPU",))
MODEL = ModelFile("tiny", "tiny.gguf", "Q8_0", "Q8_0", "llama", 10, 10, None, {}, 1.0, 1.0)
CONFIGURATION = Configuration(
    256, 2, 2, 512, 512, "f16", "auto", 0, ("CPU",), True, True, False, None, (), {}
)


def method(*, looked: bool = False, stopped: str = "time", seconds: float = 60.0) -> Method:
    return Method(10, 1, 6, 60.0, 0.01, 0.95, 0, stopped, seconds, looked)


def record(
    rates: Mapping[str, Sequence[float]] | None = None,
    answers: Mapping[str, Sequence[bool]] | None = None,
    *,
    id: str = "a",
    run: str = "run",
    machine: Machine = MACHINE,
    tool: Tool = TOOL,
    how: Method | None = None,
) -> Record:
    """A record with decode tests of these rates, a block each, and tasks of these answers."""
    return Record(
        id=id,
        run=run,
        date="2026-01-01T00:00:00Z",
        kind="speed",
        name=id.upper(),
        tool=tool,
        machine=machine,
        model=MODEL,
        configuration=CONFIGURATION,
        method=how or method(),
        tests=tuple(speed(name, values) for name, values in (rates or {}).items()),
        tasks=tuple(task(name, values) for name, values in (answers or {}).items()),
    )


def speed(name: str, rates: Sequence[float]) -> Test:
    samples = tuple(
        Sample(block, 0, float(block), 1, 0, 11, 0.01, 0.01, 10 / rate, 10 / rate)
        for block, rate in enumerate(rates)
    )
    return Test(name, "decode", "synthetic", "0" * 64, 1, 10, 0, samples)


def task(name: str, answers: Sequence[bool]) -> TaskResult:
    items = tuple(Item(id=str(n), correct=right) for n, right in enumerate(answers))
    return TaskResult(name, "choice", "file", "0" * 64, "", "sum", len(items), (), items)
