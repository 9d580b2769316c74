"""Sizes, durations and dates as people read them."""

from datetime import UTC, datetime


def size(count: int) -> str:
    """Bytes of a file or a transfer in decimal units: "1.12 GB"."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        number = count / unit
        if number >= 0.9995:  # what rounds to 1.00
            return f"{number:.0f} {name}" if number >= 100 else f"{number:.3g} {name}"
    return f"{count} B"


def memory(count: int) -> str:
    """Bytes of memory in binary units: "15.5 GiB"."""
    return f"{count / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """A span of time: "3.2 s", "2 min 5 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago `moment` (with its time zone) was: "3 days ago"; "never" for None."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // unit)
        if count >= 1:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def brief(text: str, longest: int = 60) -> str:
    """The beginning of a text, in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def count(number: int | None) -> str:
    """A large number in few letters: "7.6 B" (10⁹), "1.2 M", "940"; empty for none."""
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number and number >= unit:
            return f"{number / unit:.1f} {name}"
    return str(number) if number else ""
