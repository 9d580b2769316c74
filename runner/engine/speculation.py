"""Guessing ahead without a second model: text that repeats itself is continued as it went before.

The last few tokens are looked up in the prompt and the reply so far; what followed them then is
computed together with the next token, and kept as far as it is what the sampler takes anyway. So
the reply is the same, and a step may yield several tokens. Guessing costs time where it fails: it
is measured, and left off for a while where it does not pay.
(Prompt lookup decoding: Saxena 2023; exactness: the sampler alone decides.)
"""

from collections import deque

NGRAM = 3
"""Tokens that have to be the same for what followed them to be guessed again."""

LONGEST = 12
"""Tokens guessed at once."""

TRIALS = 6
"""Guesses after which it is decided whether they paid."""

PAUSE, LONGEST_PAUSE = 32, 1024
"""Tokens without guessing after guesses that did not pay; doubled each time."""


class Drafts:
    """The guesses of one reply."""

    def __init__(self, tokens: list[int]) -> None:
        self._tokens = tokens
        self._ends: dict[tuple[int, ...], int] = {}
        self._seen = 0
        self._plain = deque[float](maxlen=32)  # seconds of steps without a guess
        self._trials: list[tuple[int, float]] = []  # tokens gained and seconds, of those with one
        self._pause = PAUSE
        self._resume = 0

    def propose(self, room: int) -> list[int]:
        """What is likely to come after the tokens so far; at most `room` tokens, often none."""
        tokens = self._tokens
        if len(tokens) < self._resume or len(tokens) <= NGRAM or not self._plain:
            self._index(len(tokens))
            return []
        self._index(len(tokens) - 1)
        start = self._ends.get(tuple(tokens[-NGRAM:]))
        self._index(len(tokens))
        return [] if start is None else tokens[start : start + min(LONGEST, room)]

    def _index(self, until: int) -> None:
        """Remember where each run of tokens that ends before `until` was last followed by more."""
        for end in range(max(self._seen, NGRAM), until + 1):
            self._ends[tuple(self._tokens[end - NGRAM : end])] = end
        self._seen = max(self._seen, until + 1)

    def took(self, guessed: int, gained: int, seconds: float) -> None:
        """A step with `guessed` tokens guessed gave `gained` tokens in `seconds`."""
        if not guessed:
            self._plain.append(seconds)
            return
        self._trials.append((gained, seconds))
        if len(self._trials) < TRIALS:
            return
        gained_in_all = sum(count for count, _ in self._trials)
        spent = sum(time for _, time in self._trials)
        plain = sorted(self._plain)[len(self._plain) // 2]
        if gained_in_all * plain < spent:
            self._resume = len(self._tokens) + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._pause = PAUSE
        self._trials.clear()
