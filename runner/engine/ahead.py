"""Reading ahead: text that is likely to come is read while nothing else is to be done.

What was read stays in the cache like that of any request: the prompt that comes goes on from as
much of it as it begins with, and the rest is forgotten.
"""

from array import array
from dataclasses import dataclass, field

from runner.engine.kept import Kept
from runner.engine.options import Options
from runner.engine.sequences import Sequence, Sequences

CHUNK = 128
"""Tokens read at a time, where a request that comes has to wait for them."""


@dataclass(slots=True, eq=False)
class Expectation:
    """Tokens with which the next prompt is likely to begin."""

    tokens: list[int]
    options: Options
    sequence: Sequence | None = field(default=None)

    def place(self, sequences: Sequences, kept: Kept | None) -> Sequence | None:
        """A sequence that holds a beginning of the tokens, from disk where that holds more, and can
        take the rest; None where there is none, or no rest. It stays idle: whoever needs its place
        may have it."""
        held = self.sequence
        if held is None or held.busy or held.tokens.tolist() != self.tokens[: len(held.tokens)]:
            if kept is not None:
                kept.restore(sequences, array("i", self.tokens), private=self.options.private)
            # One more token, since a request never reuses its last.
            taken = sequences.take([*self.tokens, 0])
            if taken is None:
                return None
            held = self.sequence = taken[0]
            sequences.snapshot(held)
            sequences.give_back(held)
        # Each time: another's request may have had it meanwhile.
        held.belong_to(self.options)
        return held if len(held.tokens) < len(self.tokens) else None
