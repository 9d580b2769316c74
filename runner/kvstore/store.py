"""A folder of kept prefixes: found by what a prompt begins with, written in the background, and
dropped, those used longest ago first, where they take more than their quota."""

import contextlib
import os
import queue
import threading
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from runner.kvstore.entry import SUFFIX, Entry, Unusable, name_of, read_front, read_state, write

PENDING = 2
"""Prefixes that may wait to be written; more are not kept, since each waits in memory."""


def common_length(held: "array[int]", wanted: "array[int]") -> int:
    """How many tokens both begin with."""
    size = min(len(held), len(wanted))
    apart = np.frombuffer(held, np.int32)[:size] != np.frombuffer(wanted, np.int32)[:size]
    return int(apart.argmax()) if apart.any() else size


class _Item(NamedTuple):
    """What waits to be written."""

    identity: str
    tokens: "array[int]"
    state: bytes
    supersedes: bool
    owner: str


class Store:
    """Any number of processes may use one folder. Methods are called from one thread."""

    def __init__(
        self, folder: Path, quota: int, *, remark: Callable[[str], None] = lambda _: None
    ) -> None:
        """`quota` is in bytes; `remark` is told, in a line of text, of files that were dropped
        because they could not be used."""
        self._folder = folder
        self._quota = quota
        self._remark = remark
        self._known: dict[Path, Entry] = {}
        self._lock = threading.Lock()  # over the folder and what is known of it
        self._pending: queue.Queue[_Item | None] = queue.Queue(PENDING)
        self._writer: threading.Thread | None = None

    def entries(self) -> list[Entry]:
        """All that is kept, the latest used first."""
        found: dict[Path, Entry] = {}
        with self._lock, contextlib.suppress(OSError):
            for path in self._folder.glob(f"*{SUFFIX}"):
                entry = self._known.get(path) or self._front(path)
                if entry is not None:
                    found[path] = entry
            self._known = found
        return sorted(found.values(), key=_used, reverse=True)

    def longest(self, identity: str, tokens: "array[int]", *, whole: bool) -> Entry | None:
        """The entry that shares the longest beginning with `tokens`; with `whole`, of those that
        `tokens` begin with."""
        best, length = None, 0
        for entry in self.entries():
            if entry.identity == identity:
                shared = common_length(entry.tokens, tokens)
                if shared > length and (shared == len(entry.tokens) or not whole):
                    best, length = entry, shared
        return best

    def load(self, entry: Entry, *, private: bool = False) -> bytes | None:
        """The state of an entry. One that is damaged is dropped and reported: None. Where it is
        read in private, nothing tells that it was."""
        try:
            state = read_state(entry)
            if not private:
                os.utime(entry.path)
        except Unusable as error:
            self._discard(entry.path, str(error))
        except OSError:
            pass  # another process dropped it
        else:
            return state
        return None

    def keep(
        self,
        identity: str,
        tokens: "array[int]",
        state: bytes,
        *,
        supersedes: bool,
        owner: str = "",
    ) -> bool:
        """Write a prefix in the background; False where too many wait already.

        With `supersedes`, shorter ones that it begins with are dropped: it serves in their place
        where a cache can forget the end of what is restored.
        """
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="runner-kv", daemon=True)
            self._writer.start()
        try:
            self._pending.put_nowait(_Item(identity, tokens, state, supersedes, owner))
        except queue.Full:
            return False
        return True

    def holds(self, identity: str, tokens: "array[int]") -> bool:
        return (self._folder / name_of(identity, tokens)).exists()

    def purge(self, matching: Callable[[Entry], bool] = lambda _: True) -> int:
        """Drop entries; the bytes that were freed."""
        freed = 0
        for entry in self.entries():
            if matching(entry):
                entry.path.unlink(missing_ok=True)
                freed += entry.bytes
        return freed

    def close(self) -> None:
        """Finish what is being written."""
        if self._writer is not None:
            self._pending.put(None)
            self._writer.join()
            self._writer = None

    def _write(self) -> None:
        while (item := self._pending.get()) is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                if item.supersedes:
                    self._supersede(item.identity, item.tokens)
                self._make_room(len(item.state))
                if len(item.state) <= self._quota:
                    write(
                        self._folder,
                        item.identity,
                        item.tokens,
                        item.state,
                        item.owner,
                        os.fsync,
                    )
            except OSError as error:
                self._remark(f"what was read is not kept: {error}")

    def _make_room(self, wanted: int) -> None:
        kept = self.entries()
        taken = sum(entry.bytes for entry in kept)
        while kept and taken + wanted > self._quota:
            oldest = kept.pop()
            oldest.path.unlink(missing_ok=True)
            taken -= oldest.bytes

    def _supersede(self, identity: str, tokens: "array[int]") -> None:
        """Drop earlier stages of the same text: the longer one serves wherever they do."""
        for entry in self.entries():
            shorter = len(entry.tokens) < len(tokens) and entry.identity == identity
            if shorter and common_length(entry.tokens, tokens) == len(entry.tokens):
                entry.path.unlink(missing_ok=True)

    def _front(self, path: Path) -> Entry | None:
        try:
            return read_front(path)
        except Unusable as error:
            self._discard(path, str(error))
        except OSError:
            pass
        return None

    def _discard(self, path: Path, reason: str) -> None:
        path.unlink(missing_ok=True)
        self._remark(f"dropped {path.name} from what was kept of earlier prompts: {reason}")


def _used(entry: Entry) -> float:
    try:
        return entry.used
    except OSError:
        return 0.0
