"""What an evaluation has answered so far, on disk, so that an interrupted one goes on."""

import json
import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from runner.bench.plain import from_plain, to_plain
from runner.bench.record import Item
from runner.errors import DiskError
from runner.paths import data_directory
from runner.whole import write_whole

SYNCED = 1.0
"""Seconds of answers that a machine that loses its power may lose; a process that ends loses none.
A small model answers hundreds in that time, and waiting for the disk after each would take most of
it."""


class State:
    """The items of one task put to one model in one way, a line of JSON each. Deleted by `forget`
    once they are in a record."""

    def __init__(self, *keys: Any) -> None:
        """`keys` are everything that decides the answers, as JSON can hold them."""
        self._synced = 0.0
        said = json.dumps(to_plain(keys), sort_keys=True, default=str)
        self.path = data_directory() / "evaluations" / f"{sha256(said.encode()).hexdigest()}.jsonl"

    def items(self) -> Sequence[Item]:
        """What was kept; a line that was cut off in the middle is none."""
        found = []
        with suppress(OSError):
            for line in self.path.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError):
                    found.append(from_plain(Item, json.loads(line)))
        return found

    def keep(self, item: Item) -> None:
        """Write an item down. Raises DiskError."""
        # A line of its own, also after one that was cut off.
        line = "\n" + json.dumps(to_plain(item)) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(line)
                if time.monotonic() - self._synced > SYNCED:
                    file.flush()
                    os.fsync(file.fileno())
                    self._synced = time.monotonic()
        except OSError as error:
            raise DiskError(
                f"answers cannot be kept in {self.path.parent}: {error.strerror}",
                remedy="Make room; the same command goes on where it stopped.",
            ) from error

    def forget(self, items: Collection[Item] | None = None) -> None:
        """These, or all, are kept elsewhere now or not wanted. What is left stays: a shorter
        evaluation takes nothing from a longer one that was interrupted."""
        gone = None if items is None else {(item.id, item.sample) for item in items}
        left = [] if gone is None else [x for x in self.items() if (x.id, x.sample) not in gone]
        with suppress(OSError, DiskError):
            if left:
                lines = (json.dumps(to_plain(item)) + "\n" for item in left)
                write_whole(self.path, "".join(lines))
            else:
                self.path.unlink(missing_ok=True)
