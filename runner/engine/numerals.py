"""Whole numbers between two bounds, and numbers between two whole ones, as expressions of GBNF."""

from collections.abc import Callable

DIGITS = 16
"""The most digits of a number without an upper bound."""

FRACTION = '("." [0-9]{1,15})?'
NOTHING_AFTER = '("." "0"{1,15})?'


Between = Callable[[int, int | None], str]
"""What lies between two bounds, of which the first is not negative."""


def integer(low: int | None, high: int | None) -> str:
    """The whole numbers from `low` to `high`, which is no less; None is no bound."""
    return _signed(low, high, _naturals)


def number(low: int | None, high: int | None) -> str:
    """The numbers from `low` to `high`, in decimals; without bounds also with an exponent."""
    if low is None and high is None:
        return f'"-"? {_naturals(0, None)} {FRACTION} ([eE] [-+]? [0-9]{{1,2}})?'
    return _signed(low, high, _decimals)


def _signed(low: int | None, high: int | None, of: Between) -> str:
    """What is not negative, and a minus sign with what is."""
    parts = []
    if high is None or high >= 0:
        parts.append(of(max(low or 0, 0), high))
    if low is None or low < 0:
        most = None if low is None else -low
        least = 1 if high is None or high >= 0 else -high
        if of is _decimals and (high is None or high >= 0):
            least = 0
        parts.append(f'"-" {of(least, most)}')
    return _either(parts)


def _decimals(low: int, high: int | None) -> str:
    if high is None:
        return f"{_naturals(low, None)} {FRACTION}"
    exact = f'"{high}" {NOTHING_AFTER}'
    return _either([f"{_naturals(low, high - 1)} {FRACTION}", exact]) if low < high else exact


def _naturals(low: int, high: int | None) -> str:
    """From 0 on. One piece for each number of digits."""
    digits = len(str(low))
    parts = []
    if high is None:
        parts.append(_alike(str(low), "9" * digits))
        if digits < DIGITS:
            parts.append(f"[1-9] [0-9]{{{digits},{DIGITS - 1}}}")
        return _either(parts)
    while low <= high:
        top = min(high, 10 ** len(str(low)) - 1)
        parts.append(_alike(str(low), str(top)))
        low = top + 1
    return _either(parts)


def _alike(low: str, high: str) -> str:
    """The numerals from `low` to `high`, which have as many digits as each other."""
    count = len(low)
    if low == "0" * count and high == "9" * count:
        return f"[0-9]{{{count}}}" if count else ""
    if low[0] == high[0]:
        return f'"{low[0]}" {_alike(low[1:], high[1:])}'
    first, last = int(low[0]), int(high[0])
    parts = []
    if low[1:].strip("0"):
        parts.append(f'"{low[0]}" {_alike(low[1:], "9" * (count - 1))}')
        first += 1
    if high[1:].strip("9"):
        parts.append(f'"{high[0]}" {_alike("0" * (count - 1), high[1:])}')
        last -= 1
    if first <= last:
        rest = f"[0-9]{{{count - 1}}}" if count > 1 else ""
        parts.append(f"[{first}-{last}] {rest}")
    return _either(parts)


def _either(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + " | ".join(parts) + ")"
