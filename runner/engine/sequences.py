"""What the KV cache holds, and how much of it a new request can go on from.

A cache of full attention forgets the end of a sequence at no cost, and lets sequences share their
beginnings. A sliding window has lost old positions, and a recurrent state cannot be taken back:
those return only to points at which a snapshot was taken.
"""

from array import array
from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field

from runner.engine.options import Options
from runner.kvstore.store import common_length
from runner.llama.context import LlamaContext

SNAPSHOTS = 2
"""Snapshots kept of a sequence: one of a long document would otherwise cost a state a turn."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a sequence when it was `length` tokens long."""

    length: int
    state: bytes


@dataclass(slots=True, eq=False)
class Sequence:
    """One sequence of the cache: `tokens` are all it holds, in order of their positions."""

    id: int
    tokens: "array[int]" = field(default_factory=lambda: array("i"))
    busy: bool = False
    owner: str = ""
    """Whose text it is, as those call it who keep it on disk."""
    private: bool = False
    """Whether nothing of it may be written to disk."""
    used: int = 0
    kept: int = 0
    """How many of the tokens were on disk when it was last looked at."""
    snapshots: list[Snapshot] = field(default_factory=list)

    def belong_to(self, options: Options) -> None:
        """All it holds is the beginning of a request with these options."""
        self.owner, self.private = options.owner, options.private


class Sequences:
    """The sequences of one context. Only the thread that decodes may touch them."""

    def __init__(self, context: LlamaContext) -> None:
        self._context = context
        self._all = [Sequence(number) for number in range(context.sequences)]
        self._clock = 0
        self.forgetful = context.forgetful

    def take(self, tokens: Tokens[int]) -> tuple[Sequence, int] | None:
        """A sequence that begins with as many of `tokens` as can be reused, and how many those
        are; None while all are busy. The last token is never among them: its logits are needed.
        """
        idle = [one for one in self._all if not one.busy]
        if not idle:
            return None
        wanted = array("i", tokens[:-1])
        reach = {one.id: self._reach(one, common_length(one.tokens, wanted)) for one in self._all}
        # The longest beginning; of several the one that loses no tail; else the oldest.
        chosen = max(idle, key=lambda o: (reach[o.id], len(o.tokens) == reach[o.id], -o.used))
        source, place = self._branching(chosen, reach, idle)
        if place is not None:
            self._branch(source, reach[source.id], place)
            chosen = place
        else:
            self._rewind(chosen, reach[chosen.id])
        chosen.busy = True
        self._touch(chosen)
        return chosen, len(chosen.tokens)

    @property
    def any_idle(self) -> bool:
        return not all(one.busy for one in self._all)

    def longest(self, tokens: "array[int]") -> int:
        """How many of `tokens` some sequence holds, or can be taken back to."""
        return max(self._reach(one, common_length(one.tokens, tokens)) for one in self._all)

    def place(self) -> Sequence | None:
        """An idle sequence, emptied: one that holds nothing, or the one used longest ago."""
        idle = [one for one in self._all if not one.busy]
        if not idle:
            return None
        chosen = min(idle, key=lambda one: (bool(one.tokens), one.used))
        self._empty(chosen)
        self._touch(chosen)
        return chosen

    def latest(self) -> Sequence | None:
        """The sequence that was used last, if it is idle and holds anything."""
        last = max(self._all, key=lambda one: one.used)
        return last if last.tokens and not last.busy else None

    def _reach(self, one: Sequence, shared: int) -> int:
        """How far into its first `shared` tokens a sequence can be taken back."""
        if shared == len(one.tokens):
            return shared
        if not self._context.recurrent and self._context.sees(one.id, shared):
            return shared
        return max((s.length for s in one.snapshots if s.length <= shared), default=0)

    def _branching(
        self, chosen: Sequence, reach: dict[int, int], idle: list[Sequence]
    ) -> tuple[Sequence, Sequence | None]:
        """The sequence to go on from, and the one to branch it into where that saves reading or
        keeps a tail that `chosen` would lose; None where it does not."""
        source = max(self._all, key=lambda one: (reach[one.id], one is chosen))
        length = reach[source.id]
        places = [one for one in idle if one is not source]
        if self.forgetful or not length or not places or length == len(chosen.tokens):
            return chosen, None
        place = min(places, key=lambda one: (bool(one.tokens), one.used))
        # The tail of an old sequence is not kept at the cost of one that was used later.
        if source is chosen and place.tokens and place.used > source.used:
            return chosen, None
        return source, place

    def _branch(self, source: Sequence, length: int, place: Sequence) -> None:
        self._empty(place)
        self._context.copy(source.id, place.id, length)
        place.tokens = source.tokens[:length]
        place.owner, place.private = source.owner, source.private
        place.kept = min(source.kept, length)

    def fork(self, source: Sequence) -> Sequence | None:
        """A sequence that begins with all that `source` holds now, on every kind of cache; None
        while all are busy."""
        place = self.place()
        if place is not None:
            self._branch(source, len(source.tokens), place)
            place.snapshots = list(source.snapshots)
            place.busy = True
        return place

    def _rewind(self, one: Sequence, length: int) -> None:
        """Take a sequence back to its first `length` tokens, or to nothing where that fails."""
        if length < len(one.tokens):
            if not length or not self._go_back(one, length):
                self._empty(one)
            del one.tokens[length:]
            one.kept = min(one.kept, length)
            one.snapshots = [s for s in one.snapshots if s.length <= length]

    def _go_back(self, one: Sequence, length: int) -> bool:
        if self._context.recurrent or not self._context.sees(one.id, length):
            state = next(s.state for s in one.snapshots if s.length == length)
            if not self._context.restore(one.id, state):
                return False
        return self._context.forget_from(one.id, length)

    def read(self, one: Sequence, tokens: Tokens[int]) -> None:
        """Tokens were decoded onto the end of a sequence."""
        one.tokens.extend(tokens)

    def snapshot(self, one: Sequence) -> None:
        """Keep a way back to here, where this cache needs one."""
        if self.forgetful and len(one.tokens) not in (s.length for s in one.snapshots):
            one.snapshots.append(Snapshot(len(one.tokens), self._context.state(one.id)))
            del one.snapshots[:-SNAPSHOTS]

    def repair(self, one: Sequence) -> None:
        """After an abort part of a batch may be in the cache: drop what is not accounted for, or,
        where that cannot be, everything."""
        if not self._context.forget_from(one.id, len(one.tokens)):
            self._empty(one)

    def give_back(self, one: Sequence) -> None:
        """The request is done; what it left stays until its place is needed."""
        one.busy = False
        self._touch(one)

    def drop(self, one: Sequence) -> None:
        """Forget a sequence altogether."""
        self._empty(one)
        one.busy = False

    def make_room(self) -> bool:
        """Forget the idle sequence that was used longest ago; False where there is none."""
        idle = [one for one in self._all if not one.busy and one.tokens]
        if not idle:
            return False
        self._empty(min(idle, key=lambda one: one.used))
        return True

    def forget_idle(self) -> None:
        """Forget everything that no request is using."""
        while self.make_room():
            pass

    def _empty(self, one: Sequence) -> None:
        self._context.forget(one.id)
        del one.tokens[:]
        one.owner, one.private, one.kept = "", False, 0
        one.snapshots.clear()

    def _touch(self, one: Sequence) -> None:
        self._clock += 1
        one.used = self._clock
