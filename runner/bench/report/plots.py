"""The plots of a report: what each shows, in a picture and in words, and how they become files."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.bench.report.canvas import (
    INLINE,
    Canvas,
    Width,
    canvas,
    settings,
    to_png,
    to_svg,
)
from runner.bench.report.entries import Entry
from runner.errors import DiskError


@dataclass(frozen=True, slots=True)
class Plot:
    """`name` is that of its files; `caption` says how to read it, and `words` what it shows, for
    who does not see it. `heights` are in inches, wide and narrow."""

    name: str
    title: str
    caption: str
    words: tuple[str, ...]
    draw: Callable[[Canvas], None]
    heights: tuple[float, float]


def plots(entries: Sequence[Entry]) -> tuple[Plot, ...]:
    """All that these measurements can be drawn as."""
    from runner.bench.report import ceiling, course, depth, latency, trade

    found: Iterable[Plot] = (
        plot for part in (trade, depth, latency, ceiling, course) for plot in part.plots(entries)
    )
    return tuple(found)


def draw(plot: Plot, width: Width, *, inline: bool = False) -> Canvas:
    """A plot on a canvas of that width. Raises ConfigurationError without matplotlib."""
    made = canvas(width, plot.heights[width == "narrow"], inline=inline)
    from matplotlib import rc_context

    with rc_context(settings(made.colours)):
        plot.draw(made)
    return made


def write_plots(plots: Sequence[Plot], folder: Path, formats: Sequence[str]) -> list[Path]:
    """Files of each plot ("png", "svg") in a folder, which is made. Raises DiskError."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for plot in plots:
            drawn = draw(plot, "wide")
            for kind in formats:
                path = folder / f"{plot.name}.{kind}"
                if kind == "svg":
                    path.write_text(to_svg(drawn, plot.name, plot.title), encoding="utf-8")
                else:
                    path.write_bytes(to_png(drawn, plot.title))
                written.append(path)
    except OSError as error:
        raise DiskError(
            f"cannot write plots to {folder}: {error}", remedy="Name another folder."
        ) from error
    return written


def inline_svg(plot: Plot, width: Width) -> str:
    """The plot as an element of the page: in the page's colours, as wide as it may be, and out of
    the way of a screen reader, which has the plot's words."""
    salt = f"{plot.name}-{width}"
    text = to_svg(draw(plot, width, inline=True), salt, plot.title)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<title>.*?</title>", "", text, flags=re.DOTALL)
    for name, colour in INLINE.items():
        text = text.replace(colour, f"var(--{name})")
    # matplotlib numbers what it draws from 1 in every figure.
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{salt}-", text)
    view = re.search(r'viewBox="[^"]*"', text)
    assert view is not None
    opening = f'<svg class="{width}" {view[0]} aria-hidden="true" focusable="false">'
    return re.sub(r"<svg[^>]*>", opening, text, count=1)
