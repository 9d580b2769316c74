"""Where plots are drawn: matplotlib without windows, in the report's colours, marks and sizes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Literal
from warnings import catch_warnings, filterwarnings

from runner.bench.record import Summary
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIGHT = {
    "ink": "#1b2430",
    "muted": "#56606e",
    "grid": "#dde1e7",
    "paper": "#ffffff",
    "s0": "#1f6fc4",
    "s1": "#c2480c",
    "s2": "#0d7d6c",
    "s3": "#8a3ca8",
    "s4": "#8a6400",
    "s5": "#b3265e",
    "s6": "#3f7a1e",
    "s7": "#55606e",
}
"""Each at least 4.5:1 against the paper (the grid only divides)."""

INLINE = {name: f"#0101{number:02x}" for number, name in enumerate(LIGHT, 16)}
"""Colours that stand for the page's own in an SVG, which become light or dark with it."""

DOTS, MOST_DOTS = 200, 2**16 - 1
"""An inch of a PNG, and in all of its height, beyond which nothing draws."""

SERIES = 8
MARKS = "osD^vP*X"
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
Width = Literal["wide", "narrow"]
INCHES = {"wide": 8.0, "narrow": 3.9}


@dataclass(frozen=True, slots=True)
class Canvas:
    """A figure to draw on, for a screen (wide) or a phone (narrow), and the colours to draw in."""

    figure: "Figure"
    colours: dict[str, str]
    width: Width

    @property
    def narrow(self) -> bool:
        """Whether it is as wide as a phone."""
        return self.width == "narrow"

    def colour(self, number: int) -> str:
        """Of the entry of that number."""
        return self.colours[f"s{number % SERIES}"]

    def mark(self, number: int) -> str:
        """The mark of the entry of that number, for who cannot tell colours apart."""
        return MARKS[number % len(MARKS)]

    def dash(self, number: int) -> Any:
        """The line of the entry of that number."""
        return DASHES[number % len(DASHES)]

    def axes(self, *place: Any, **more: Any) -> "Axes":
        """Axes in the report's style: a light grid behind, no box."""
        axes: Axes = self.figure.add_subplot(*place, **more)
        axes.set_axisbelow(True)
        axes.grid(True, color=self.colours["grid"], linewidth=0.8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        return axes

    def legend(self, axes: "Axes", *, alone: bool = False) -> None:
        """What is which, below the plot; of one thing only where it is not `alone` in the report,
        so that it must be told which one it is."""
        handles, labels = axes.get_legend_handles_labels()
        if len(labels) > alone:
            columns = 1 if self.narrow else min(len(labels), 3)
            self.figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def canvas(width: Width, height: float, *, inline: bool = False) -> Canvas:
    """An empty one. Raises ConfigurationError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigurationError(
            "plots need matplotlib, which is not installed",
            remedy='Install it with: pip install "runner-llm[report]"',
        ) from None
    colours = INLINE if inline else LIGHT
    paper = "none" if inline else colours["paper"]
    figure = Figure((INCHES[width], height), layout="constrained", facecolor=paper)
    return Canvas(figure, colours, width)


def reach(summary: Summary, factor: float = 1.0) -> tuple[float, float]:
    """How far the interval reaches below and above the middle, where it does."""
    low, high = summary.interval or (summary.median, summary.median)
    return max(summary.median - low, 0.0) * factor, max(high - summary.median, 0.0) * factor


def settings(colours: dict[str, str], **more: Any) -> Any:
    """matplotlib's, for everything that is drawn in them. Names of models are no formulas, and
    the text of an SVG stays text, to be searched and read."""
    ink, muted = colours["ink"], colours["muted"]
    return {
        "font.size": 9.5,
        "font.family": "DejaVu Sans",
        "text.color": ink,
        "text.parse_math": False,
        "axes.labelcolor": muted,
        "axes.edgecolor": muted,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "xtick.color": muted,
        "ytick.color": muted,
        "legend.frameon": False,
        "axes.facecolor": "none",
        "svg.fonttype": "none",
        "lines.linewidth": 1.8,
        "lines.markersize": 6,
        **more,
    }


def to_svg(drawn: Canvas, salt: str, title: str) -> str:
    """The figure as a whole SVG file, the same each time; `salt` keeps its ids its own."""
    from matplotlib import rc_context

    text = StringIO()
    with rc_context(settings(drawn.colours, **{"svg.hashsalt": salt})), _any_script():
        drawn.figure.savefig(text, format="svg", metadata={"Date": None, "Title": title})
    return text.getvalue()


@contextmanager
def _any_script() -> Iterator[None]:
    """Names in scripts that the font lacks are no reason for a warning: an SVG's reader has fonts
    of its own, and in a PNG they are boxes."""
    with catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def to_png(drawn: Canvas, title: str) -> bytes:
    """The figure as a PNG for print, 200 dots an inch, or as many as there can be."""
    from matplotlib import rc_context

    data = BytesIO()
    dots = min(DOTS, int(MOST_DOTS / max(drawn.figure.get_size_inches())))
    with rc_context(settings(drawn.colours)), _any_script():
        drawn.figure.savefig(data, format="png", dpi=dots, metadata={"Title": title})
    return data.getvalue()
