"""How much of what this machine can do was reached."""

from collections.abc import Sequence

from runner.bench.record import Ceiling, Summary
from runner.bench.report.canvas import Canvas
from runner.bench.report.entries import Entry, test_names
from runner.bench.report.plots import Plot
from runner.bench.wording import digits, rate_summary

ROOM = 180
"""Percent that the axis is long, with the words after the bars."""

Row = tuple[str, Entry, Summary, Ceiling]


def plots(entries: Sequence[Entry]) -> list[Plot]:
    """One plot, where there are ceilings: of the tests with nothing in the context before."""
    rows = [
        (name, entry, summary, test.ceiling)
        for name in test_names(entries)
        for entry in entries
        if (test := entry.test(name)) and test.ceiling and not test.depth
        if (summary := rate_summary(test))
    ]
    if not rows:
        return []
    return [
        Plot(
            name="ceiling",
            title="How much of the ceiling was reached",
            caption="The ceiling (100 %) is what the measured memory bandwidth, or the measured "
            "arithmetic, allows for the bytes and operations of a token of this model.",
            words=tuple(
                f"{name}, {entry.name}: {digits(summary.median)} of at most {digits(top.rate)} "
                f"tokens/s, {top.share:.0%}, limited by {top.limited_by}."
                for name, entry, summary, top in rows
            ),
            draw=lambda canvas: _draw(canvas, rows),
            heights=(1.0 + 0.36 * len(rows), 1.0 + 0.5 * len(rows)),
        )
    ]


def _draw(canvas: Canvas, rows: Sequence[Row]) -> None:
    axes = canvas.axes()
    for place, (_, entry, summary, top) in enumerate(rows):
        share, colour = 100 * top.share, canvas.colour(entry.number)
        axes.barh(place, 100, height=0.62, color=canvas.colours["grid"])
        axes.barh(place, min(share, 100), height=0.62, color=colour)
        words = f"{share:.0f} %  ({digits(summary.median)} of {digits(top.rate)}, {top.limited_by})"
        if canvas.narrow:
            words = f"{share:.0f} % ({top.limited_by})"
        axes.text(103, place, words, va="center", fontsize=8.5)
    names = [f"{name}\n{entry.name}" if canvas.narrow else f"{entry.name} · {name}"
             for name, entry, _, _ in rows]  # fmt: skip
    axes.set_yticks(range(len(rows)), names, fontsize=7.5 if canvas.narrow else 8.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.set_xlim(0, ROOM)
    axes.set_xticks([0, 50, 100])
    axes.set_xlabel("% of the ceiling", x=50 / ROOM)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_bounds(0, 100)
