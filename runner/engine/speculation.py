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

from runner.fit.memory import GUESSES

LOSS = 1.0
"""Plain steps that guessing may cost before it is left off."""

CREDIT = 4.0
"""Plain steps that it may have gained before and lose again."""

PAUSE, LONGEST_PAUSE = 64, 1024
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
        self._balance = 0.0  # plain steps gained

    def took(self, gained: int, cost: float, length: int) -> None:
        """A step gave `gained` tokens and took as long as `cost` plain ones, the guess included;
        prompt and reply are `length` tokens long now."""
        self._balance = min(CREDIT, self._balance + gained - cost)
        if self._balance == CREDIT:
            self._pause = PAUSE
        elif self._balance < -LOSS:
            self._balance, self.resume = 0.0, length + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)


class Speculation:
    """The guesses of one reply: of several ways the first one that has a guess, and pays."""

    def __init__(self, tokens: list[int], guessers: Sequence[Guesser]) -> None:
        self._tokens = tokens
        self._trials = [_Trial(guesser) for guesser in guessers]
        # For the step to come: who was asked, how long that took, and what it guessed.
        self._asked: list[tuple[_Trial, float, list[int]]] = []
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
            guess = trial.guesser.propose(self._tokens, min(GUESSES, room))
            if guess is not None:
                self._asked.append((trial, time.perf_counter() - started, guess))
            if guess:
                return guess
        return []

    def took(self, guessed: int, gained: int, seconds: float) -> None:
        """The step with `guessed` tokens guessed gave `gained` tokens in `seconds`."""
        if not guessed:
            self._plain.append(seconds)
        plain = sorted(self._plain)[len(self._plain) // 2]
        for trial, asking, guess in self._asked:
            if guess:
                trial.took(gained, (seconds + asking) / plain, len(self._tokens))
            else:  # it was not sure, and asking it took its time
                trial.took(1, 1 + asking / plain, len(self._tokens))
        self._asked.clear()
