"""Names beside the points of a plot, where there is room for all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.bench.report.pareto import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 8.5
LETTER, LINE = 0.62 * POINTS / 72, 1.5 * POINTS / 72
"""Inches that a letter takes at most, and a line."""

MARK = 0.05
"""Inches from the middle of a mark to its edge."""

AWAY = (7, 6)
"""Points from the middle of a mark to its name."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The corners of a text, in inches of the axes, and on which sides of its point it is."""

    left: float
    bottom: float
    right: float
    top: float
    sides: tuple[int, int] = (0, 0)

    def within(self, size: tuple[float, float]) -> bool:
        """Whether it lies in axes of that size; a line more is above them."""
        across = self.left >= 0 and self.right <= size[0]
        return across and self.bottom >= 0 and self.top <= size[1] + LINE

    def meets(self, other: "_Place") -> bool:
        return (
            self.left < other.right and other.left < self.right
            and self.bottom < other.top and other.bottom < self.top
        )  # fmt: skip


def name_points(
    axes: "Axes", size: tuple[float, float], points: Sequence[tuple[str, Point]]
) -> bool:
    """Write each name beside its point, on the side where there is room in axes of about that size
    in inches. Where a name would meet another or some point's interval, or leave the axes, none is
    written: the answer says whether they were."""
    bars = [bar for _, point in points for bar in _bars(axes, size, point)]
    taken: list[_Place] = []
    for name, point in points:
        x, y = _inches(axes, size, point.x, point.y)
        free = (
            place
            for place in _places(len(name) * LETTER, x, y)
            if place.within(size) and not any(map(place.meets, (*taken, *bars)))
        )
        if (place := next(free, None)) is None:
            return False
        taken.append(place)
    for (name, point), place in zip(points, taken, strict=True):
        to_right, up = place.sides
        axes.annotate(
            name,
            (point.x, point.y),
            (AWAY[0] * to_right, AWAY[1] * up),
            textcoords="offset points",
            fontsize=POINTS,
            ha="left" if to_right > 0 else "right",
            va="bottom" if up > 0 else "top",
        )
    return True


def _inches(axes: "Axes", size: tuple[float, float], x: float, y: float) -> tuple[float, float]:
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()  # upside down where less is better
    return (x - left) / (right - left) * size[0], (y - bottom) / (top - bottom) * size[1]


def _bars(axes: "Axes", size: tuple[float, float], point: Point) -> Iterator[_Place]:
    """The mark of a point with its intervals, as two thin bars."""
    for xs, ys in (
        (point.x_interval or (point.x, point.x), (point.y, point.y)),
        ((point.x, point.x), point.y_interval or (point.y, point.y)),
    ):
        ends = [_inches(axes, size, x, y) for x, y in zip(xs, ys, strict=True)]
        (left, right), (bottom, top) = (sorted(along) for along in zip(*ends, strict=True))
        yield _Place(left - MARK, bottom - MARK, right + MARK, top + MARK)


def _places(width: float, x: float, y: float) -> Iterator[_Place]:
    """On the four sides of a point, the usual one first."""
    across, up = AWAY[0] / 72, AWAY[1] / 72
    for sides in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        left = x + across if sides[0] > 0 else x - across - width
        bottom = y + up if sides[1] > 0 else y - up - LINE
        yield _Place(left, bottom, left + width, bottom + LINE, sides)
