"""Documents that go with a question: read, and said how long they are before they are sent."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.chat.documents import gather, mentions
from runner.chat.turns import Attachment
from runner.cli.talk.stoppable import Stoppable

if TYPE_CHECKING:
    from runner.cli.talk.loop import Talk


def attached(talk: "Talk", paths: Sequence[Path]) -> list[Attachment]:
    """The documents at these paths, told with their sizes in tokens. Ctrl-C stops the reading.

    Raises BadDocument, ConfigurationError, KeyboardInterrupt.
    """
    with Stoppable(talk.face) as stoppable:

        def progress(done: int, total: int) -> None:
            stoppable.check()
            talk.face.progress(f"read {done} of {total} pages")

        documents = gather(paths, progress)
    told(talk, documents)
    return documents


def mentioned(talk: "Talk", text: str) -> list[Attachment]:
    """The documents that a message names as `@path`. Raises as `attached` does."""
    paths = mentions(text)
    return attached(talk, paths) if paths else []


def told(talk: "Talk", documents: Sequence[Attachment]) -> None:
    """Say what was read, and how much of the context it takes."""
    from runner.chat.sizes import described

    for one in documents:
        talk.face.note(described(talk.ready, one))
