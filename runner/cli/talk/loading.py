"""A model that is loaded on a thread of its own, while the prompt is there already."""

import threading
from collections.abc import Callable

from runner import models
from runner.cli.talk.face import Face
from runner.errors import RunnerError
from runner.models import Located, Ready
from runner.settings import Settings

REDRAWN = 0.1  # seconds between two looks at how far it is


class Loading(threading.Thread):
    """Begins at once. `then` is told of the model on this thread, when it is there."""

    def __init__(
        self,
        located: Located,
        settings: Settings,
        face: Face,
        then: Callable[[Ready], None] = lambda _: None,
        *,
        awaited: bool = False,
    ) -> None:
        """`awaited`: somebody waits for it from the beginning."""
        super().__init__(name="runner-load", daemon=True)
        self.located = located
        self._settings = settings
        self._face = face
        self._then = then
        self._ready: Ready | None = None
        self._error: BaseException | None = None
        self._fraction = 0.0
        self._awaited = awaited
        self._over = threading.Event()
        self._stopping = threading.Event()
        self.start()

    def run(self) -> None:
        try:
            self._ready = models.ready(
                self.located, self._settings, progress=self._progress, remark=self._remark
            )
            self._then(self._ready)
        except BaseException as error:
            self._error = error
            # Who waits is told by what waiting raises; else it is said now.
            if isinstance(error, RunnerError) and self._face.interactive and not self._awaited:
                self._face.error(error)
        finally:
            self._over.set()

    def _progress(self, fraction: float) -> bool:
        self._fraction = fraction
        return not self._stopping.is_set()

    def _remark(self, text: str) -> None:
        if not self._settings.quiet:
            self._face.note(text)

    @property
    def here(self) -> Ready | None:
        """The model, if it is there by now."""
        return self._ready if self._over.is_set() and self._error is None else None

    def wait(self) -> Ready:
        """The model. Raises what loading it did, and KeyboardInterrupt where a person would not
        wait, which the loading outlives."""
        impatient = threading.Event()
        self._awaited = True
        if not self._over.is_set():
            with self._face.stoppable(impatient.set):
                while not (impatient.is_set() or self._over.wait(REDRAWN)):
                    self._face.progress(f"loading {self.located.name}: {self._fraction:.0%}")
            self._face.progress("")
        if not self._over.is_set():
            self._awaited = False
            raise KeyboardInterrupt
        if self._error is not None:
            raise self._error
        assert self._ready is not None
        return self._ready

    def close(self) -> None:
        """Stop the loading, and close the model if there is one."""
        self._stopping.set()
        self.join()
        if self._ready is not None:
            self._ready.close()
            self._ready = None
