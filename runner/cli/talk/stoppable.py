"""What takes a while and says how far it is, until Ctrl-C."""

from typing import Self

from runner.cli.talk.face import Face


class Stoppable:
    """A block that Ctrl-C stops at its next sign of progress, which this passes away after."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._stopping = face.stoppable(self._stop)
        self.stopped = False

    def _stop(self) -> None:
        self.stopped = True

    def check(self) -> None:
        """Raises KeyboardInterrupt where Ctrl-C was pressed."""
        if self.stopped:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        self._stopping.__enter__()
        return self

    def __exit__(self, *about: object) -> None:
        self._stopping.__exit__(None, None, None)
        self._face.progress("")
