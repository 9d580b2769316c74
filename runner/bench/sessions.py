"""When arms are loaded anew, in another order.

Of equal arms the one that was loaded last is quicker: on the machine where this was found by 2.5 %
of a decode (1.5B, memory-bound, two processes), in each of six loads, whichever arm it was. Turns
do not cancel that, because it lasts as long as the model is loaded; loading in mirrored orders
does.
"""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

SHARE = 0.1
"""Of the measurement, that loading anew may take; there are two sessions in any case."""

MOST = 16
"""Sessions: two for each moment to look."""


class Sessions:
    """The sessions of a measurement of `seconds`, where loading all arms takes `loading`: an even
    number of the same length, in pairs."""

    def __init__(self, seconds: float, loading: float) -> None:
        pairs = SHARE * seconds / (2 * loading) if loading > 0 else math.inf
        self.count = 2 * int(max(1, min(pairs, MOST // 2)))
        self.number = 0
        self._loading = loading

    @property
    def to_come(self) -> float:
        """Seconds that loading anew will still take."""
        return (self.count - self.number - 1) * self._loading

    def due(self, share: float) -> bool:
        """Whether the next begins, with so much of the measurement done; it is then under way."""
        if self.number + 1 >= self.count or share < (self.number + 1) / self.count:
            return False
        self.number += 1
        return True

    def balanced(self, share: float) -> bool:
        """Whether each session so far has its mirror image."""
        return self.number % 2 == 1 and share >= (self.number + 1) / self.count


def loading_order(arms: Sequence[T], seed: int, number: int) -> list[T]:
    """The order in which a session loads its arms: the first as they are named, each other pair in
    a random one; the second of a pair is the first, mirrored."""
    pair, second = divmod(number, 2)
    drawn = list(arms)
    if pair:
        random.Random(f"loading {seed} {pair}").shuffle(drawn)
    return drawn[::-1] if second else drawn
