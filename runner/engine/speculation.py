"""Guessing ahead: tokens that are likely to come are computed together with the next one, and kept
as far as they are what the sampler takes anyway.

So the reply is the same, and a step may yield several tokens. Guessing costs time where it fails:
it is measured, and left off for a while where it does not pay.
(Leviathan 2023; here the sampler alone decides, which is exact at every temperature.)
"""

import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

LONGEST = 12
"""Tokens guessed at once."""

TRIALS = 6
"""Guesses after which it is decided whether they paid."""

PAUSE, LONGEST_PAUSE = 32, 1024
"""Tokens without guessing after guesses that did not pay; doubled each time."""


class Guesser(Protocol):
    """A way to guess what comes after some tokens."""

    def propose(self, tokens: list[int], room: int) -> list[int] | None:
        """At most `room` tokens, and none where it is not sure; None where it has nothing to go
        on, which says nothing about whether guessing pays."""


class _Trial:
    """Whether one way of guessing pays."""

    def __init__(self, guesser: Guesser) -> None:
        self.guesser = guesser
        self.resume = 0  # tokens after which to guess again
        self._pause = PAUSE
        self._gained: list[tuple[int, float]] = []  # tokens and seconds of steps

    def took(self, gained: int, seconds: float, plain: float, length: int) -> None:
        """A step gave `gained` tokens in `seconds`, the guess included; one without takes
        `plain`."""
        self._gained.append((gained, seconds))
        if len(self._gained) < TRIALS:
            return
        tokens = sum(count for count, _ in self._gained)
        spent = sum(time for _, time in self._gained)
        if tokens * plain < spent:
            self.resume = length + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._pause = PAUSE
        self._gained.clear()


class Speculation:
    """The guesses of one reply: of several ways the first one that has a guess, and pays."""

    def __init__(self, tokens: list[int], guessers: Sequence[Guesser]) -> None:
        self._tokens = tokens
        self._trials = [_Trial(guesser) for guesser in guessers]
        self._asked: list[tuple[_Trial, float]] = []  # for the step to come, and what that took
        self._plain = deque[float](maxlen=32)  # seconds of steps without a guess

    def propose(self, room: int) -> list[int]:
        """What is likely to come after the tokens so far; at most `room` tokens, often none."""
        self._asked.clear()
        if not self._plain or room <= 0:
            return []
        for trial in self._trials:
            if len(self._tokens) < trial.resume:
                continue
            started = time.perf_counter()
            guess = trial.guesser.propose(self._tokens, min(LONGEST, room))
            if guess is not None:
                self._asked.append((trial, time.perf_counter() - started))
            if guess:
                return guess
        return []

    def took(self, guessed: int, gained: int, seconds: float) -> None:
        """The step with `guessed` tokens guessed gave `gained` tokens in `seconds`."""
        if not guessed:
            self._plain.append(seconds)
        plain = sorted(self._plain)[len(self._plain) // 2]
        for trial, asking in self._asked:
            trial.took(gained, seconds + asking, plain, len(self._tokens))
        self._asked.clear()
