"""Records as Markdown to post: the figures with their intervals, and how they came about."""

from collections.abc import Iterator, Sequence
from math import ceil, log10

from runner.bench import wording
from runner.bench.markdown import plain, table
from runner.bench.record import Record, Summary, TaskResult, Test
from runner.bench.wording import configuration_words, label, method_words, model_words

HEADS = ("what", "test", "figure", "median", "95 % interval", "of", "flags")


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
        f"## {plain(machine.processor)}\n\n"
        + (f"{plain(place)}\n\n" if place else "")
        + table(HEADS, rows, {"median", "of"})
        + "\n"
        + "".join(f"- {plain(line)}\n" for line in lines)
    )


def _rows(record: Record) -> Iterator[tuple[str, ...]]:
    measurements: tuple[Test | TaskResult, ...] = (*record.tests, *record.tasks)
    for measured in measurements:
        of = measured.name
        flags = {*record.flags, *(measured.flags if isinstance(measured, Test) else ())}
        told = " ".join(sorted(flags))
        for one in measured.summaries:
            items = one.samples if isinstance(measured, TaskResult) else 0
            metric, median = label(one.metric), _median(one, items)
            yield record.name, of, metric, median, _interval(one, items), _of(measured, one), told
        for energy in measured.energy:
            joules, what = energy.net, f"energy, {energy.of}"
            if joules is None:
                joules, what = energy.gross, f"{what}, gross"
            if joules is not None:
                yield record.name, of, what, figure(joules, "J/token"), "", "", told
        if not measured.summaries:
            yield record.name, of, "refused", "", "", "", told


def _of(measured: Test | TaskResult, one: Summary) -> str:
    """What the figure is a median or a mean of."""
    if isinstance(measured, TaskResult):
        return f"{measured.count} items"
    if one.blocks > 1:
        return f"{one.blocks} blocks"
    return f"{one.samples} run{'s'[: one.samples != 1]}"


def _energy(record: Record) -> Iterator[str]:
    """How energy was measured, or why it was not."""
    measurements: tuple[Test | TaskResult, ...] = (*record.tests, *record.tasks)
    for measured in measurements:
        for one in measured.energy:
            where = f"energy of {one.of}: {one.domain} by {one.source} ({one.kind})"
            if one.gross is None:
                yield f"energy of {one.of} not measured: {one.reason}"
            elif one.net is None:
                yield f"{where}, gross; net of rest not measured: {one.reason}"
            else:
                idle = "" if one.idle_watts is None else f", net of {one.idle_watts:.1f} W idle"
                yield f"{where}{idle}" + (f"; {one.reason}" if one.reason else "")


def _method(record: Record) -> Iterator[str]:
    """What someone needs to do the same."""
    tool, model = record.tool, record.model
    program = f"Runner {tool.runner}, llama-cpp-python {tool.llama_cpp_python}: {tool.build}"
    yield program if tool.runner else tool.build
    yield model_words(model) + (f", sha256 {model.sha256}" if model.sha256 else "")
    how = configuration_words(record.configuration)
    yield f"{record.name}: {how} ({record.id}, {record.date})"
    if record.method is not None:
        yield method_words(record.method)
    yield from _energy(record)
    for noise in record.noise:
        yield f"noise floor of {noise.test} (A/A): {noise.shift:+.1%}"
    for task in record.tasks:
        yield (
            f"{task.name}: {task.count} items of {task.source}, sha256 {task.sha256}"
            + (f", {task.normaliser}" if task.normaliser else "")
        )


def figure(value: float, unit: str, items: int = 0) -> str:
    """A value to four digits with its unit; shares in percent, with the decimals that a share of
    so many items has."""
    if unit == "share":
        return f"{value:.{_decimals(items)}%}"
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{text} {unit}".rstrip()


def _decimals(items: int) -> int:
    """Of percent: one item more of a hundred is one percent more."""
    return 2 if items < 1 else min(max(ceil(log10(items)) - 2, 0), 2)


def _median(one: Summary, items: int) -> str:
    return figure(one.median, "share", items) if one.unit == "share" else wording.figure(one)


def _interval(one: Summary, items: int) -> str:
    if one.interval is None:
        return ""
    if one.unit == "share":
        return " to ".join(figure(end, "share", items) for end in one.interval)
    return wording.interval(one)
