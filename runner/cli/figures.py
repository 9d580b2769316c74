"""Small figures made of text: sparklines, bars, and where an interval lies. In ASCII where the
terminal's encoding has no blocks. They stand beside numbers, never instead of them."""

import sys
from collections.abc import Iterable, Sequence

SPARKS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"
PLAIN_SPARKS = "_.-=*#"
INTERVAL = ("├", "─", "┤", "●")
PLAIN_INTERVAL = ("|", "-", "|", "o")


def sparkline(values: Sequence[float], width: int = 30, *, from_zero: bool = False) -> str:
    """A character for each value, its height from the least to the greatest; with `from_zero` from
    zero, so that values alike look alike. Where there are more values than `width`, each character
    is the mean of a stretch. "" for no values."""
    if not values:
        return ""
    sparks = SPARKS if encodable(SPARKS) else PLAIN_SPARKS
    means = list(_stretches(values, width))
    least, greatest = (0.0 if from_zero else min(means)), max(means)
    span = greatest - least
    if span <= 0:
        return sparks[len(sparks) // 2] * len(means)
    return "".join(sparks[round((len(sparks) - 1) * (one - least) / span)] for one in means)


def bar(share: float, width: int = 20) -> str:
    """A bar that fills `share` (0 to 1, cut to that) of `width` characters, to an eighth of one."""
    filled = min(max(share, 0.0), 1.0) * width
    if not encodable(EIGHTHS):
        return ("#" * round(filled)).ljust(width, ".")
    whole, rest = divmod(round(filled * 8), 8)
    return ("█" * whole + (EIGHTHS[rest] if rest else "")).ljust(width)


def interval_bar(
    low: float, middle: float, high: float, least: float, greatest: float, width: int = 24
) -> str:
    """Where `middle` and its interval lie on an axis from `least` to `greatest`: `  ├──●─┤   `.
    What lies beyond the axis stands at its end."""
    begin, whisker, end, dot = INTERVAL if encodable("".join(INTERVAL)) else PLAIN_INTERVAL
    span = (greatest - least) or 1.0

    def place(value: float) -> int:
        return round(min(max((value - least) / span, 0.0), 1.0) * (width - 1))

    left, right, centre = place(low), place(high), place(middle)
    cells = [" "] * width
    cells[left : right + 1] = whisker * (right - left + 1)
    cells[left], cells[right] = begin, end
    cells[centre] = dot
    return "".join(cells)


def encodable(text: str) -> bool:
    """Whether stdout can show these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _stretches(values: Sequence[float], width: int) -> Iterable[float]:
    """At most `width` means of stretches of nearly the same length."""
    count = min(len(values), width)
    for n in range(count):
        stretch = values[n * len(values) // count : (n + 1) * len(values) // count]
        yield sum(stretch) / len(stretch)
