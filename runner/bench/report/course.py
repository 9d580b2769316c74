"""Speed and temperature over time: whether the machine held out."""

from collections.abc import Callable, Sequence
from statistics import median

from runner.bench.record import Sample
from runner.bench.report.canvas import Canvas
from runner.bench.report.entries import Entry
from runner.bench.report.plots import Plot
from runner.bench.wording import sample_rate

LONG = 120.0
"""Seconds from which they are counted in minutes."""

SPEEDS = (80.0, 105.0)
"""Percent that are shown at least: a steady machine looks steady, and throttling shows."""

Points = list[tuple[float, float]]
Series = list[tuple[Entry, Points]]


def plots(entries: Sequence[Entry]) -> list[Plot]:
    """A plot for each run, whose arms share a clock."""
    runs: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.speed:
            runs.setdefault(entry.speed.run, []).append(entry)
    found = [(run, _panels(members)) for run, members in runs.items()]
    alone = len(entries) == 1
    return [_plot(run, panels, len(found) > 1, alone) for run, panels in found if panels[0][1]]


def _panels(entries: Sequence[Entry]) -> list[tuple[str, Series]]:
    """What is drawn below each other: speed always, the others where the machine tells."""
    speed = [(entry, points) for entry in entries if len(points := _speeds(entry)) > 2]
    panels = [("speed, % of the\ntest's median", speed)]
    readers: tuple[tuple[str, Callable[[Sample], float | None]], ...] = (
        ("temperature, °C", lambda one: one.conditions.temperature),
        ("frequency, GHz", lambda one: one.conditions.mhz and one.conditions.mhz / 1000),
    )
    for label, read in readers:
        series = [(entry, points) for entry in entries if (points := _read(entry, read))]
        if series:
            panels.append((label, series))
    return panels


def _speeds(entry: Entry) -> Points:
    """Seconds, and the rate of each run in percent of its test's median."""
    points = []
    for test in entry.tests:
        rates = [(one.began, rate) for one in test.samples if (rate := sample_rate(test, one))]
        if rates:
            middle = median(rate for _, rate in rates)
            points += [(began, 100 * rate / middle) for began, rate in rates]
    return sorted(points)


def _read(entry: Entry, read: Callable[[Sample], float | None]) -> Points:
    samples = (sample for test in entry.tests for sample in test.samples)
    return sorted((one.began, value) for one in samples if (value := read(one)) is not None)


def _plot(run: str, panels: Sequence[tuple[str, Series]], several: bool, alone: bool) -> Plot:
    missing = "" if len(panels) > 1 else " This machine does not tell its temperature or frequency."
    return Plot(
        name=f"over-time-{run}" if several else "over-time",
        title="Speed and temperature over time" + (f" (run {run})" if several else ""),
        caption="Each mark is a run of a test, in the order in which they took place. A level band "
        f"is a machine that held out; one that falls as heat rises is throttled.{missing}",
        words=tuple(
            f"{entry.name}: {_span(label, points)}." for label, series in panels
            for entry, points in series
        ),
        draw=lambda canvas: _draw(canvas, panels, alone),
        heights=(1.0 + 1.75 * len(panels),) * 2,
    )  # fmt: skip


def _span(label: str, points: Points) -> str:
    """The medians of the first and of the last third."""
    third = max(len(points) // 3, 1)
    first = median(value for _, value in points[:third])
    last = median(value for _, value in points[-third:])
    what = label.replace("\n", " ")
    return f"{what}: {first:.4g} in the first third of the time, {last:.4g} in the last"


def _draw(canvas: Canvas, panels: Sequence[tuple[str, Series]], alone: bool) -> None:
    last = max(points[-1][0] for _, series in panels for _, points in series)
    unit, seconds = ("minutes", 60) if last >= LONG else ("seconds", 1)
    first = None
    for number, (label, series) in enumerate(panels, 1):
        axes = canvas.axes(len(panels), 1, number, sharex=first)
        for entry, points in series:
            axes.plot(
                [began / seconds for began, _ in points],
                [value for _, value in points],
                canvas.mark(entry.number),
                color=canvas.colour(entry.number),
                markersize=4,
                alpha=0.75,
                markeredgewidth=0,
                label=entry.label,
            )
        axes.set_ylabel(label)
        axes.tick_params(labelbottom=number == len(panels))
        first = first or axes
    axes.set_xlabel(unit)
    assert first is not None
    low, high = first.get_ylim()
    first.set_ylim(min(low, SPEEDS[0]), max(high, SPEEDS[1]))
    canvas.legend(first, alone=alone)
