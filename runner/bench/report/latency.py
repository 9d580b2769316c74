"""How long one waits for the next token: histograms, with the percentiles that one feels."""

from collections.abc import Sequence

from runner.bench.metrics import percentile
from runner.bench.report.canvas import Canvas
from runner.bench.report.entries import Entry, test_names
from runner.bench.report.plots import Plot

Row = tuple[Entry, list[float]]
BINS = 60
PERCENTS = (50, 95, 99)


def plots(entries: Sequence[Entry]) -> list[Plot]:
    """One plot: of the test with the most entries that have times between tokens."""
    best: list[Row] = []
    test_name = ""
    for name in test_names(entries):
        rows = [(entry, gaps) for entry in entries if (gaps := _gaps(entry, name))]
        if len(rows) > len(best):
            best, test_name = rows, name
    return [_plot(test_name, best)] if best else []


def _gaps(entry: Entry, name: str) -> list[float]:
    """Milliseconds between the tokens of all runs."""
    test = entry.test(name)
    if test is None:
        return []
    return [1000 * gap for sample in test.samples for gap in sample.inter_token_seconds]


def _plot(test_name: str, rows: Sequence[Row]) -> Plot:
    return Plot(
        name="latency",
        title=f"Time between tokens ({test_name})",
        caption="How often the next token came after so long; all share one axis, on which equal "
        "ratios are equally far. Lines mark the median (solid), and the times that 95 % (dashed) "
        "and 99 % (dotted) of the tokens stay under.",
        words=tuple(
            f"{entry.name}: median {percentile(gaps, 0.5):.3g} ms, 95 % within "
            f"{percentile(gaps, 0.95):.3g} ms, 99 % within {percentile(gaps, 0.99):.3g} ms, "
            f"of {len(gaps)} tokens."
            for entry, gaps in rows
        ),
        draw=lambda canvas: _draw(canvas, rows),
        heights=(0.9 + 0.95 * len(rows),) * 2,
    )


def _draw(canvas: Canvas, rows: Sequence[Row]) -> None:
    import numpy as np
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    everything = np.concatenate([gaps for _, gaps in rows])
    # A few stalls must not squeeze the rest: the axis ends where one token in 2,000 is beyond it.
    low, high = max(float(everything.min()), 1e-3) * 0.9, float(np.quantile(everything, 0.9995))
    edges = np.geomspace(low, max(high * 1.1, low * 1.5), BINS)
    first = None
    for number, (entry, gaps) in enumerate(rows, 1):
        axes = canvas.axes(len(rows), 1, number, sharex=first)
        first = first or axes
        axes.hist(
            np.clip(gaps, edges[0], edges[-1]), edges.tolist(), color=canvas.colour(entry.number)
        )
        for percent, dash in zip(PERCENTS, ("-", "--", ":"), strict=True):
            axes.axvline(
                percentile(gaps, percent / 100),
                color=canvas.colours["ink"],
                linestyle=dash,
                linewidth=1.2,
            )
        axes.set_title(entry.name)
        axes.set_xscale("log")
        axes.set_yticks([])
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(labelbottom=number == len(rows))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("ms between tokens")
