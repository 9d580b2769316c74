"""What an evaluation has answered so far, on disk, so that an interrupted one goes on."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from runner.bench.plain import from_plain, to_plain
from runner.bench.record import Item
from runner.errors import DiskError
from runner.paths import data_directory


class State:
    """The items of one task put to one model in one way, a line of JSON each. Deleted by `forget`
    once they are in a record."""

    def __init__(self, *keys: Any) -> None:
        """`keys` are everything that decides the answers, as JSON can hold them."""
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
        """Write an item down, whole and on the disk when this returns. Raises DiskError."""
        # A line of its own, also after one that was cut off.
        line = "\n" + json.dumps(to_plain(item)) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DiskError(
                f"answers cannot be kept in {self.path.parent}: {error.strerror}",
                remedy="Make room; the same command goes on where it stopped.",
            ) from error

    def forget(self) -> None:
        """They are kept elsewhere now, or not wanted."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
