"""Quality against speed: which models are worth having."""

from collections.abc import Sequence

from runner.bench.record import Summary
from runner.bench.report.canvas import Canvas, reach
from runner.bench.report.entries import Entry, main_decode, quality_figure, task_names
from runner.bench.report.labels import name_points
from runner.bench.report.pareto import Point, Standing, standing
from runner.bench.report.plots import Plot
from runner.bench.wording import label, lower_is_better, rate_summary, scaled, spoken

Row = tuple[Entry, Summary, Summary, Standing]

ROOM = (6.9, 3.7)
"""Inches of the axes of a wide plot, less than there are."""

WORDS: dict[Standing, str] = {
    "front": "none here is better at both",
    "unclear": "another seems better at both, but the intervals overlap",
    "dominated": "another is better at both, beyond the intervals",
}


def plots(entries: Sequence[Entry]) -> list[Plot]:
    """A plot for each task that two entries or more have done whose speed is known."""
    name = main_decode(entries)
    if name is None:
        return []
    return [
        _plot(task, name, rows)
        for task in task_names(entries)
        if len(rows := _rows(entries, name, task)) > 1
    ]


def _rows(entries: Sequence[Entry], test_name: str, task_name: str) -> list[Row]:
    found = []
    for entry in entries:
        test, task = entry.test(test_name), entry.task(task_name)
        speed = rate_summary(test) if test else None
        quality = quality_figure(task) if task else None
        if speed and quality:
            found.append((entry, speed, quality))
    stands = standing([_point(speed, quality) for _, speed, quality in found])
    return [(*one, stand) for one, stand in zip(found, stands, strict=True)]


def _point(speed: Summary, quality: Summary) -> Point:
    """More is better on both axes: a figure of which less is better counts negative."""
    if not lower_is_better(quality):
        return Point(speed.median, quality.median, speed.interval, quality.interval)
    ends = quality.interval and (-quality.interval[1], -quality.interval[0])
    return Point(speed.median, -quality.median, speed.interval, ends)


def _plot(task: str, test_name: str, rows: Sequence[Row]) -> Plot:
    figure = rows[0][2]
    lower = lower_is_better(figure)
    what = f"{label(figure.metric)} of {task}"
    return Plot(
        name=f"quality-speed-{task}",
        title=f"{what[0].upper()}{what[1:]} against speed",
        caption=f"Up and to the right is better{', so the axis is upside down' if lower else ''}. "
        "Bars are the intervals. Filled: none here is better at both (the Pareto front, which the "
        "line joins). Grey inside: another seems better at both, but the intervals overlap. "
        "Hollow: another is better at both, beyond the intervals.",
        words=tuple(
            f"{entry.name}: {spoken(quality)} at {spoken(speed)} ({test_name}); {WORDS[stand]}."
            for entry, speed, quality, stand in rows
        ),
        draw=lambda canvas: _draw(canvas, rows, what, test_name),
        heights=(4.6, 4.6 + 0.2 * len(rows)),
    )


def _draw(canvas: Canvas, rows: Sequence[Row], what: str, test_name: str) -> None:
    axes = canvas.axes()
    unit = scaled(rows[0][2].median, rows[0][2].unit)[1]
    factor = 100.0 if unit == "%" else 1.0
    front = sorted((s.median, q.median * factor) for _, s, q, stand in rows if stand == "front")
    axes.plot(*zip(*front, strict=True), color=canvas.colours["muted"], linewidth=1, zorder=1,
              drawstyle="steps-pre")  # fmt: skip
    for entry, speed, quality, stand in rows:
        colour = canvas.colour(entry.number)
        inside = {"front": colour, "unclear": canvas.colours["grid"]}.get(
            stand, canvas.colours["paper"]
        )
        x, y = speed.median, quality.median * factor
        axes.errorbar(
            x,
            y,
            xerr=[[end] for end in reach(speed)],
            yerr=[[end] for end in reach(quality, factor)],
            fmt=canvas.mark(entry.number),
            color=colour,
            markerfacecolor=inside,
            markersize=8,
            elinewidth=1.3,
            label=entry.label,
            zorder=3,
        )
    axes.set_xlim(left=0)
    axes.margins(x=0.18)
    axes.set_xlabel(f"tokens/s ({test_name})")
    axes.set_ylabel(f"{what}, {unit}" if unit else what)
    if lower_is_better(rows[0][2]):
        axes.invert_yaxis()
    names = [
        (
            entry.name,
            Point(
                speed.median,
                quality.median * factor,
                speed.interval,
                quality.interval and (quality.interval[0] * factor, quality.interval[1] * factor),
            ),
        )
        for entry, speed, quality, _ in rows
    ]
    if canvas.narrow or not name_points(axes, ROOM, names):
        canvas.legend(axes)
