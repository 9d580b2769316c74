"""Records as Markdown to post: the figures with their intervals, and how they came about."""

from collections.abc import Iterator, Sequence

from runner.bench.markdown import table
from runner.bench.record import Energy, Record, Summary, TaskResult, Test

HEADS = ("what", "test", "figure", "median", "95 % interval", "blocks", "flags")


def write(records: Sequence[Record]) -> str:
    """A table of the figures of records of one machine, under its name, and their method."""
    machines: dict[str, list[Record]] = {}
    for record in records:
        machines.setdefault(record.machine.id, []).append(record)
    return "\n".join(_machine(some) for some in machines.values())


def _machine(records: Sequence[Record]) -> str:
    machine = records[0].machine
    place = " · ".join(filter(None, (*machine.devices, machine.system)))
    rows = [row for record in records for row in _rows(record)]
    lines = dict.fromkeys(line for record in records for line in _method(record))
    return (
        f"## {_plain(machine.processor)}\n\n"
        + (f"{_plain(place)}\n\n" if place else "")
        + table(HEADS, rows, {"median", "blocks"})
        + "\n"
        + "".join(f"- {_plain(line)}\n" for line in lines)
    )


def _rows(record: Record) -> Iterator[tuple[str, ...]]:
    measurements: tuple[Test | TaskResult, ...] = (*record.tests, *record.tasks)
    for measured in measurements:
        flags = {*record.flags, *(measured.flags if isinstance(measured, Test) else ())}
        told = " ".join(sorted(flags))
        for one in measured.summaries:
            yield (record.name, measured.name, one.metric, figure(one.median, one.unit),
                   _interval(one), str(one.blocks or one.samples), told)  # fmt: skip
        for energy in measured.energy:
            yield (record.name, measured.name, f"energy, {energy.of}", _joules(energy), "—", "—",
                   told)  # fmt: skip
        if not measured.summaries:
            yield record.name, measured.name, "refused", "—", "—", "—", told


def _method(record: Record) -> Iterator[str]:
    """What someone needs to do the same."""
    tool, model, how = record.tool, record.model, record.configuration
    program = f"Runner {tool.runner}, llama-cpp-python {tool.llama_cpp_python}: {tool.build}"
    yield program if tool.runner else tool.build
    digest = f", sha256 {model.sha256}" if model.sha256 else ""
    yield f"{model.name}: {model.description}, {model.bytes} bytes of tensors{digest}"
    yield (
        f"{record.name}: {', '.join(how.devices)}, threads {how.threads} (prompts "
        f"{how.threads_batch}), context {how.context}, batch {how.batch} in parts of "
        f"{how.micro_batch}, KV {how.kv}, flash attention {how.flash_attention}, GPU layers "
        f"{how.gpu_layers}{', speculation' if how.speculate else ''} ({record.id}, {record.date})"
    )
    if (method := record.method) is not None:
        yield (
            f"{method.blocks} blocks in {method.seconds:.0f} s after {method.warm_ups} warm-ups, "
            f"ended by {method.stopped}; intervals of {method.confidence:.0%} by bootstrap over "
            f"blocks, seed {method.seed}"
        )
    for noise in record.noise:
        yield f"noise floor of {noise.test} (A/A): {noise.shift:+.1%}"
    for task in record.tasks:
        yield (
            f"{task.name}: {task.count} items of {task.source}, sha256 {task.sha256}"
            + (f", {task.normaliser}" if task.normaliser else "")
        )


def figure(value: float, unit: str) -> str:
    """A value to four digits with its unit; shares in percent."""
    if unit == "share":
        return f"{value:.2%}"
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{text} {unit}".rstrip()


def _interval(one: Summary) -> str:
    if one.interval is None:
        return "—"
    return f"{figure(one.interval[0], '')} … {figure(one.interval[1], one.unit)}" if (
        one.unit != "share"
    ) else f"{one.interval[0]:.2%} … {one.interval[1]:.2%}"  # fmt: skip


def _joules(energy: Energy) -> str:
    if energy.net is None:
        return f"not measured: {energy.reason}"
    return f"{figure(energy.net, 'J/token')} ({energy.domain}, {energy.source})"


def _plain(text: str) -> str:
    """On one line, and nothing that Markdown reads as more than text."""
    return " ".join(text.split()).replace("<", "\\<").replace("`", "\\`")
