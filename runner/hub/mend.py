"""A file that arrived whole and wrong: its pieces fetched again, and compared, until it is right.

The Hub publishes one hash for a whole file, so damage in transit is noticed at the end, and where
it is only by a second look. Each piece is looked at once more at most, first those that came in
more than one answer.
"""

from collections.abc import Callable, Iterator

from runner.hub.part import Part
from runner.hub.retry import Retries, Transient
from runner.hub.source import BadRange, Source


def mend(part: Part, source: Source, retries: Retries, progress: Callable[[int], None]) -> None:
    """Fetch pieces of a whole part again, as long as its sha256 is wrong.

    Raises NetworkError where the budget is spent, and what `source` raises; the part stays.
    """
    retries.remark(
        f"{part.destination.name} is not what is published; "
        "fetching its pieces again to find the damage"
    )
    changed = checked = 0
    for piece, data in _again(part, source, retries):
        changed += part.replace(piece, data)
        progress(part.bytes)
        # The whole is read for the first change, the second, the fourth, and so on: where
        # everything is wrong, reading it for each would take for ever.
        if changed >= max(1, 2 * checked):
            checked = changed
            if _is_right(part, progress):
                return
    if changed > checked:
        _is_right(part, progress)


def _is_right(part: Part, progress: Callable[[int], None]) -> bool:
    for _ in part.hash_again():
        progress(part.bytes)
    return part.found() == part.sha256


def _again(part: Part, source: Source, retries: Retries) -> Iterator[tuple[int, bytes]]:
    """The pieces, fetched once more, each with its number."""
    left = sorted(range(len(part.there)), key=lambda piece: piece not in part.seams)
    while left:
        try:
            if source.ranges:
                with source.open(part.span(left[0])) as chunks:
                    data = b"".join(chunks)
                yield left.pop(0), data
            else:
                for piece, data in _regrouped(part, source):
                    if piece in left:
                        left.remove(piece)
                        yield piece, data
            retries.progressed()
        except Transient as problem:
            source.ranges = source.ranges and not isinstance(problem, BadRange)
            retries.again(problem)


def _regrouped(part: Part, source: Source) -> Iterator[tuple[int, bytes]]:
    """The whole file in one answer, cut into pieces with their numbers."""
    data, piece = bytearray(), 0
    with source.open(range(part.bytes)) as chunks:
        for chunk in chunks:
            data += chunk
            while len(data) >= len(part.span(piece)):
                length = len(part.span(piece))
                yield piece, bytes(data[:length])
                del data[:length]
                piece += 1
                if piece == len(part.there):
                    break
