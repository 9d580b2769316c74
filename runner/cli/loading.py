"""From what a person typed to a loaded model: found, fetched if they agree, and loaded in sight."""

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from runner import models
from runner.cli.output import remark
from runner.cli.terminal.interrupts import on_interrupt
from runner.cli.terminal.progress import PassingLine, TransferProgress
from runner.cli.words import size
from runner.errors import ModelNotHere, Offer, RunnerError
from runner.models import Located, Ready
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.embed import Embedder

T = TypeVar("T")


def find(text: str | None, settings: Settings) -> Located:
    """The model on this disk; a person at a terminal is asked whether to fetch one that is not.

    Raises ModelNotHere where nobody can be asked or the answer is no; UnknownModel.
    """
    try:
        return models.locate(text)
    except ModelNotHere as error:
        if text is None or settings.offline or not at_terminal() or not _agreed(error.offer):
            raise
        return fetch(text, settings)


def fetch(text: str, settings: Settings) -> Located:
    """Fetch the model that `text` names, showing the progress. Raises what `models.pull` raises."""
    from runner.hub import Hub

    with TransferProgress(settings, _on_disk()) as progress:
        hub = Hub(offline=bool(settings.offline), remark=progress.remark)
        try:
            return models.pull(text, hub=hub, progress=progress)
        except KeyboardInterrupt:
            if progress.started:
                progress.remark("stopped; the same command continues from here")
            raise


def _on_disk() -> dict[str, int]:
    """Bytes that are here of files from the Hub, by the file's path in its repository."""
    from runner.library import Library

    library = Library()
    begun = {partial.file: partial.bytes for partial in library.partials()}
    for record in library.records():
        begun[record.file] = record.bytes
        begun |= {part.file: part.bytes for part in record.parts}
    return begun


def load(located: Located, settings: Settings) -> Ready:
    """Load the model; Ctrl-C stops the load. Raises what `models.ready` raises."""
    return _in_sight(
        located,
        settings,
        lambda progress: models.ready(
            located, settings, progress=progress, remark=lambda text: remark(text, settings)
        ),
    )


def load_embedder(located: Located, settings: Settings) -> "Embedder":
    """Load the model to embed texts; Ctrl-C stops it. Raises what `models.embedder` raises."""
    return _in_sight(
        located,
        settings,
        lambda progress: models.embedder(located, settings, progress=progress),
    )


def _in_sight(
    located: Located, settings: Settings, load: Callable[[Callable[[float], bool]], T]
) -> T:
    """What `load` gives, with its progress shown; Ctrl-C stops it."""
    stopped = threading.Event()
    line = PassingLine(settings)

    def progress(fraction: float) -> bool:
        line.show(f"loading {located.name}: {fraction:.0%}")
        return not stopped.is_set()

    loaded = None
    try:
        with on_interrupt(stopped.set):
            loaded = load(progress)
    except RunnerError:
        # Ctrl-C reaches the child that probes a new file too; its failure is then no finding.
        if not stopped.is_set():
            raise
    finally:
        line.clear()
    if loaded is None or stopped.is_set():
        raise KeyboardInterrupt
    return loaded


def at_terminal() -> bool:
    """Whether a person can be asked: they see stderr and type into stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(question: str) -> bool:
    """Ask a yes-or-no question at the terminal; anything but y or yes is a no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _agreed(offer: Offer) -> bool:
    much = f", {size(offer.bytes)}" if offer.bytes else ""
    return agreed(
        f"{offer.name} is not on this machine. Fetch it from hf.co/{offer.repository}{much}?"
    )
