"""Speed against depth: what a long context costs."""

from collections.abc import Sequence

from runner.bench.record import Summary
from runner.bench.report.canvas import Canvas, reach
from runner.bench.report.entries import Entry
from runner.bench.report.plots import Plot
from runner.bench.wording import figure, rate_summary

CLOSEST = 0.12
"""Of the axis's length, between two numbers beside it."""

Curve = tuple[Entry, list[tuple[int, Summary]]]


def plots(entries: Sequence[Entry]) -> list[Plot]:
    """A plot for each test that was measured at several depths."""
    curves: dict[str, list[Curve]] = {}
    refused: dict[str, list[str]] = {}
    for entry in entries:
        depths: dict[str, list[tuple[int, Summary]]] = {}
        for test in entry.tests:
            name = test.name.partition("@")[0]
            if summary := rate_summary(test):
                depths.setdefault(name, []).append((test.depth, summary))
            else:
                refused.setdefault(name, []).append(
                    f"{entry.name}: {test.name} was refused ({', '.join(test.flags)})."
                )
        for name, points in depths.items():
            if len({depth for depth, _ in points}) > 1:
                curves.setdefault(name, []).append((entry, sorted(points, key=lambda one: one[0])))
    alone = len(entries) == 1
    return [_plot(name, found, refused.get(name, ()), alone) for name, found in curves.items()]


def _plot(name: str, curves: Sequence[Curve], refused: Sequence[str], alone: bool) -> Plot:
    return Plot(
        name=f"depth-{name}",
        title=f"Speed of {name} with more in the context",
        caption="Tokens already in the context from left to right, speed upwards from zero; bars "
        "are the intervals, often smaller than the marks." + "".join(f" {one}" for one in refused),
        words=(*(_words(entry, points) for entry, points in curves), *refused),
        draw=lambda canvas: _draw(canvas, curves, alone),
        heights=(3.9, 3.6 + 0.2 * len(curves)),
    )


def _words(entry: Entry, points: Sequence[tuple[int, Summary]]) -> str:
    (_, first), (deepest, last) = points[0], points[-1]
    said = ", ".join(f"{figure(summary)} at {depth}" for depth, summary in points)
    return (
        f"{entry.name}: {said}; at {deepest} tokens {last.median / first.median:.0%} of the speed "
        f"at {points[0][0]}."
    )


def _draw(canvas: Canvas, curves: Sequence[Curve], alone: bool) -> None:
    axes = canvas.axes()
    for entry, points in curves:
        axes.errorbar(
            [depth for depth, _ in points],
            [one.median for _, one in points],
            yerr=[*zip(*(reach(one) for _, one in points), strict=True)],
            color=canvas.colour(entry.number),
            marker=canvas.mark(entry.number),
            linestyle=canvas.dash(entry.number),
            label=entry.label,
        )
    axes.set_ylim(bottom=0)
    axes.set_xlabel("tokens in the context")
    axes.set_ylabel("tokens/s")
    axes.set_xticks(_apart(sorted({depth for _, points in curves for depth, _ in points})))
    canvas.legend(axes, alone=alone)


def _apart(depths: Sequence[int]) -> list[int]:
    """The depths that were measured, but of those too close to be written side by side one."""
    least, shown = (depths[-1] - depths[0]) * CLOSEST, [depths[-1]]
    for depth in reversed(depths[:-1]):
        if shown[-1] - depth >= least:
            shown.append(depth)
    return shown
