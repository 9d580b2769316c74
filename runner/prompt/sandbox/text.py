"""Strings that remember which of their characters the template wrote.

A plain `str` is *content*: what a user, a file or a tool wrote. Only the template's own literals
(and the few words Runner puts in for it) are `Text`, and an operation that does not know about
`Text` gives a plain `str`. So provenance can be lost in one direction only: template text may
become content, never the reverse.
"""

from collections.abc import Iterable, Iterator

_TEMPLATE = b"\x01"
_CONTENT = b"\x00"


class Text(str):
    """A string with a mask of one byte a character: 1 where the template wrote it, else 0."""

    __slots__ = ("mask",)
    mask: bytes

    def __str__(self) -> str:
        """Itself: `str(text)`, which compiled templates call on all they print, keeps the mask."""
        return self


def literal(value: str) -> Text:
    """The template's own words."""
    return _masked(value, _TEMPLATE * len(value))


def plain(value: str) -> str:
    """The same characters as content, whoever wrote them."""
    return str.__str__(value)


def mask_of(value: str) -> bytes:
    """One byte a character: 1 where the template wrote it, else 0."""
    return value.mask if isinstance(value, Text) else bytes(len(value))


def with_mask(value: str, mask: bytes) -> str:
    """`value` with a mask of its length; a plain string where the mask has no template part."""
    return _masked(value, mask) if _TEMPLATE in mask else plain(value)


def join(pieces: Iterable[str], separator: str = "") -> str:
    """`separator.join(pieces)`, each character keeping its origin."""
    pieces = list(pieces)
    joined = str.join(separator, pieces)
    if not isinstance(separator, Text) and not any(isinstance(piece, Text) for piece in pieces):
        return joined
    return with_mask(joined, mask_of(separator).join(map(mask_of, pieces)))


def cut(value: str, where: slice | int) -> str:
    """`value[where]`, each character keeping its origin; IndexError as for any string."""
    if not isinstance(value, Text):
        return value[where]
    if isinstance(where, int):
        position = range(len(value))[where]
        where = slice(position, position + 1)
    return with_mask(str.__getitem__(value, where), value.mask[where])


def runs(value: str) -> Iterator[tuple[str, bool]]:
    """The string as maximal stretches of one origin: (plain string, did the template write it)."""
    mask = mask_of(value)
    start = 0
    while start < len(mask):
        written = mask[start : start + 1] == _TEMPLATE
        end = mask.find(_CONTENT if written else _TEMPLATE, start)
        end = len(mask) if end < 0 else end
        yield plain(value[start:end]), written
        start = end


def _masked(value: str, mask: bytes) -> Text:
    text = Text(value)
    text.mask = mask
    return text
