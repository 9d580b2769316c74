"""Cuts a long text into parts of so many tokens, where a reader would."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

Count = Callable[[str], int]

# Paragraphs; where one is too long lines, then sentences, then words. What separates two pieces
# stays at the end of the first.
BORDERS = tuple(map(re.compile, (r"\n\s*\n", r"\n", r"(?<=[.!?…])\s+|(?<=[。！？])", r"\s+")))


def split(text: str, size: int, count: Count) -> list[str]:
    """The parts, each of at most `size` tokens by `count`; together they are the text.

    A count is taken for what two pieces have together to be no more than the sum of theirs.
    """
    parts: list[str] = []
    tokens = 0
    for piece, its in _pieces(text, size, count, BORDERS):
        if parts and tokens + its <= size:
            parts[-1] += piece
            tokens += its
        else:
            parts.append(piece)
            tokens = its
    return parts


def _pieces(
    text: str, size: int, count: Count, borders: tuple[re.Pattern[str], ...]
) -> Iterator[tuple[str, int]]:
    """The pieces between the first kind of border, those too long cut at the next kind, and at
    last anywhere; each with its tokens."""
    for piece in _cut(text, borders):
        tokens = count(piece)
        if tokens <= size or len(piece) == 1:
            yield piece, tokens
        else:
            yield from _pieces(piece, size, count, borders[1:])


def _cut(text: str, borders: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    places = [match.end() for match in borders[0].finditer(text)] if borders else [len(text) // 2]
    for start, end in pairwise([0, *places, len(text)]):
        if start < end:
            yield text[start:end]
