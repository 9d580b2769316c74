"""Which of several models is worth having, when both speed and answers count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Standing = Literal["front", "unclear", "dominated"]


@dataclass(frozen=True, slots=True)
class Point:
    """A value on two axes, on both of which more is better, each with its interval or None."""

    x: float
    y: float
    x_interval: tuple[float, float] | None
    y_interval: tuple[float, float] | None


def standing(points: Sequence[Point]) -> list[Standing]:
    """Of each point: "dominated" where another is better on both axes by more than the intervals
    (its lower ends above this one's upper ends); "unclear" where another's middle is no worse on
    both and better on one, but the intervals overlap or are not known; else on the "front"."""
    return [_standing(one, points) for one in points]


def _standing(one: Point, points: Sequence[Point]) -> Standing:
    if any(_surely_better(other, one) for other in points):
        return "dominated"
    return "unclear" if any(_better(other, one) for other in points) else "front"


def _better(other: Point, one: Point) -> bool:
    no_worse = other.x >= one.x and other.y >= one.y
    return no_worse and (other.x > one.x or other.y > one.y)


def _surely_better(other: Point, one: Point) -> bool:
    pairs = ((other.x_interval, one.x_interval), (other.y_interval, one.y_interval))
    return all(a is not None and b is not None and a[0] > b[1] for a, b in pairs)
