"""Guessing without a second model: text that repeats itself is continued as it went before.

The last few tokens are looked up in the prompt and the reply so far, and what followed them then
is the guess. (Prompt lookup decoding: Saxena 2023.)
"""

from itertools import cycle, islice

NGRAM = 3
"""Tokens that have to be the same for what followed them to be guessed again."""


class Repeats:
    """What followed which tokens in one prompt and its reply."""

    def __init__(self) -> None:
        self._ends: dict[tuple[int, ...], int] = {}
        self._seen = NGRAM

    def propose(self, tokens: list[int], room: int) -> list[int] | None:
        if len(tokens) < NGRAM:
            return None
        self._index(tokens, len(tokens) - 1)
        last = tuple(tokens[-NGRAM:])
        start = self._ends.get(last)
        if start is None:
            return None
        # What repeats itself without end goes on where the tokens do not yet.
        return list(islice(cycle(tokens[start : start + room]), room))

    def _index(self, tokens: list[int], until: int) -> None:
        """Remember where each run of tokens that ends before `until` was last followed by more."""
        for end in range(self._seen, until + 1):
            self._ends[tuple(tokens[end - NGRAM : end])] = end
        self._seen = max(self._seen, until + 1)
