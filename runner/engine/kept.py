"""What was read once, restored from disk instead of read again; and kept there for next time."""

from array import array

from runner.engine.sequences import Sequence, Sequences
from runner.errors import DeviceError
from runner.kvstore import Store
from runner.kvstore.store import common_length
from runner.llama.context import LlamaContext

WORTHWHILE = 256
"""Tokens that reading from disk must save, and that are worth writing."""


class Kept:
    """The prefixes of one model, as one kind of context computes them."""

    def __init__(self, store: Store, identity: str, context: LlamaContext) -> None:
        self._store = store
        self._base = self._identity = f"{identity} {context.layout}"
        self._context = context

    def switch(self, adapters: str) -> None:
        """From now on what is read is computed with these adapters."""
        self._identity = f"{self._base} adapters={adapters}" if adapters else self._base

    def restore(self, sequences: Sequences, tokens: "array[int]", *, private: bool) -> None:
        """Bring the longest beginning of `tokens` that is on disk into the cache, where that saves
        more than it costs."""
        held = sequences.longest(tokens)
        if len(tokens) - held < WORTHWHILE or not sequences.any_idle:
            return
        entry = self._store.longest(self._identity, tokens, whole=sequences.forgetful)
        if entry is None:
            return
        gain = common_length(entry.tokens, tokens) - held
        if gain < WORTHWHILE or (place := sequences.place()) is None:
            return
        state = self._store.load(entry, private=private)
        if state is None:
            return
        while not self._context.set_state(place.id, state):
            if not sequences.make_room():
                return
        place.tokens = array("i", entry.tokens)
        place.kept = len(entry.tokens)

    def keep(self, sequences: Sequences) -> None:
        """Write what was used last, if it is worth it and not there yet."""
        latest = sequences.latest()
        if latest is None or not self.unsaved(latest):
            return
        latest.kept = len(latest.tokens)
        if not self._store.holds(self._identity, latest.tokens):
            try:
                state = self._context.full_state(latest.id)
            except DeviceError:  # the worker that held it is gone: the next reply will say so
                return
            self._store.keep(
                self._identity,
                latest.tokens[:],
                state,
                supersedes=not sequences.forgetful,
                owner=latest.owner,
            )

    def unsaved(self, one: Sequence | None) -> bool:
        """Whether `keep` has something to do."""
        return one is not None and not one.private and len(one.tokens) - one.kept >= WORTHWHILE

    def close(self) -> None:
        self._store.close()
