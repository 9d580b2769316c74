"""A whole conversation as plain data: what is exported, and what is imported.

It knows no database, so that a file's format is a function between text and this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runner.chat.turns import Turn


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation with all its branches."""

    turns: tuple[Turn, ...]
    """All turns, each after the one that it follows."""
    head: int | None
    """The turn it stands at; None before the first."""
    title: str = ""
    model: str = ""
    """The model it goes on with; empty where that is not one of Runner's names."""
    system: str = ""
    persona: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    created: datetime | None = None
    updated: datetime | None = None
    summaries: Mapping[int, str] = field(default_factory=dict)
    """What stands for a turn and all before it since the context was full, by the turn's id."""

    @property
    def path(self) -> tuple[Turn, ...]:
        """The turns from the first to the head."""
        known = {turn.id: turn for turn in self.turns}
        path: list[Turn] = []
        at = self.head
        while at is not None:
            path.append(known[at])
            at = path[-1].parent
        return tuple(reversed(path))

    @property
    def other_branches(self) -> int:
        """How many ends of branches are not what the head stands at."""
        followed = {turn.parent for turn in self.turns}
        return sum(turn.id not in followed and turn.id != self.head for turn in self.turns)
