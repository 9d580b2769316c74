"""The plots of a report: what each shows, in a picture and in words, and how they become files."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
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

LONGEST = 80
"""Letters of a plot's name."""


@dataclass(frozen=True, slots=True)
class Plot:
    """`name` is that of its files, and a part of ids in the page; `caption` says how to read it,
    and `words` what it shows, for who does not see it. `heights` are in inches, wide and narrow."""

    name: str
    title: str
    caption: str
    words: tuple[str, ...]
    draw: Callable[[Canvas], None]
    heights: tuple[float, float]


def plots(entries: Sequence[Entry]) -> tuple[Plot, ...]:
    """All that these measurements can be drawn as."""
    from runner.bench.report import ceiling, course, depth, latency, trade

    found: dict[str, Plot] = {}
    for part in (trade, depth, latency, ceiling, course):
        for plot in part.plots(entries):
            name = _file_name(plot.name, found)
            found[name] = replace(plot, name=name)
    return tuple(found.values())


def _file_name(name: str, taken: Collection[str]) -> str:
    """A name that a file can have, wherever it lies, and that nothing in HTML or SVG takes for more
    than a name: what tests, tasks and runs are called may come from outside."""
    safe = "".join(one if one.isalnum() or one in "-_." else "-" for one in name)[:LONGEST]
    names = (safe, *(f"{safe}-{number}" for number in range(2, len(taken) + 2)))
    return next(one for one in names if one not in taken)


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
    text = re.sub(r'id="|href="#|url\(#', lambda found: f"{found[0]}{salt}-", text)
    view = re.search(r'viewBox="[^"]*"', text)
    assert view is not None
    opening = f'<svg class="{width}" {view[0]} aria-hidden="true" focusable="false">'
    return re.sub(r"<svg[^>]*>", lambda _: opening, text, count=1)
