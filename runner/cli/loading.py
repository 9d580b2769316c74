"""From what a person typed to a loaded model: found, fetched if they agree, and loaded in sight."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict, TypeVar

from runner import models
from runner.cli.output import remark
from runner.cli.terminal.checking import CheckProgress
from runner.cli.terminal.clean import clean
from runner.cli.terminal.interrupts import on_interrupt, termination_interrupts
from runner.cli.terminal.progress import PassingLine, TransferProgress
from runner.cli.words import size
from runner.errors import ModelNotHere, Offer, RunnerError
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.embed import Embedder
    from runner.engine.scoring import Scorer
    from runner.hub import Hub
    from runner.models import FetchProgress, Located, Ready

T = TypeVar("T")


def find(text: str | None, settings: Settings) -> "Located":
    """The model on this disk; a person at a terminal is asked whether to fetch one that is not.
    Where `text` is None it is the persona's, else the one used last.

    Raises ModelNotHere where nobody can be asked or the answer is no; UnknownModel.
    """
    if text is None:
        text = settings.model
    try:
        return models.locate(text, settings.model_folders or ())
    except ModelNotHere as error:
        if text is None or settings.offline or not at_terminal():
            raise
        return _offered(text, error, settings)


def _offered(text: str, error: ModelNotHere, settings: Settings) -> "Located":
    """Ask whether to fetch a model, and do it. Of a repository nothing is known before that: it is
    asked for only where the answer is yes."""
    known = error.offer.bytes is not None
    named = pick(text, settings) if known else text
    offer = models.offer(named) if known else error.offer
    if offer is not None and not _agreed(offer):
        raise error
    return fetch(named if known else pick(text, settings), settings)


def pick(text: str, settings: Settings, *, force: bool = False) -> str:
    """The one quantization that `text` means, judged: one that does not fit is fetched only where
    a person at the terminal agrees or `force` says so.

    Raises DoesNotFit, and what `models.pick` raises.
    """
    from runner.cli.measuring import measured

    line = PassingLine(settings)

    def measure() -> None:
        line.clear()
        measured(settings)

    try:
        picked = models.pick(text, settings, measure=measure, force=force, **asking(settings, line))
    finally:
        line.clear()
    if picked.why:
        remark(picked.why, settings)
    if picked.unfit is not None and not force:
        question = f"{picked.unfit.message}. Fetch it all the same?"
        if not at_terminal() or not agreed(question):
            raise picked.unfit
    return picked.text


def fetch(text: str, settings: Settings, *, accept_new: bool = False) -> "Located":
    """Fetch the model that `text` names, showing the progress. Raises what `models.pull` raises."""
    with transfers(settings) as how:
        return models.pull(text, accept_new=accept_new, **how)


class Asking(TypedDict):
    """What the Hub is asked for headers with."""

    hub: "Callable[[], Hub]"
    progress: Callable[[int], None]


def asking(settings: Settings, line: PassingLine) -> Asking:
    """How headers are asked for in sight of a person, who sees on the line how much was read."""

    def hub() -> "Hub":
        from runner.hub import Hub

        return Hub(offline=bool(settings.offline), remark=told)

    def told(text: str) -> None:
        line.clear()
        remark(text, settings)

    return {"hub": hub, "progress": lambda read: line.show(f"read {size(read)} of headers")}


class Transfers(TypedDict):
    """What fetching a model takes beside its name."""

    hub: "Hub"
    progress: "FetchProgress"
    checking: CheckProgress
    folders: tuple[str, ...]


@contextmanager
def transfers(settings: Settings) -> Iterator[Transfers]:
    """What models are fetched with, in sight of a person."""
    from runner.hub import Hub

    with (
        termination_interrupts(),
        TransferProgress(settings) as progress,
        CheckProgress(settings) as checking,
    ):

        def remark(text: str) -> None:
            checking.clear()
            progress.remark(text)

        hub = Hub(offline=bool(settings.offline), remark=remark)
        try:
            yield {
                "hub": hub,
                "progress": progress,
                "checking": checking,
                "folders": settings.model_folders or (),
            }
        except KeyboardInterrupt:
            if progress.started:
                remark("stopped; the same command continues from here")
            raise


def load(located: "Located", settings: Settings, *, sequences: int | None = None) -> "Ready":
    """Load the model; Ctrl-C stops the load. `sequences`: replies at once, where not the usual.
    Raises what `models.ready` raises."""
    return _in_sight(
        located,
        settings,
        lambda progress: models.ready(
            located,
            settings,
            progress=progress,
            remark=lambda text: remark(text, settings),
            sequences=sequences,
        ),
    )


def load_embedder(located: "Located", settings: Settings) -> "Embedder":
    """Load the model to embed texts; Ctrl-C stops it. Raises what `models.embedder` raises."""
    return _in_sight(
        located,
        settings,
        lambda progress: models.embedder(located, settings, progress=progress),
    )


def load_scorer(
    located: "Located", settings: Settings, *, context: int, sequences: int = 1
) -> "Scorer":
    """Load the model to score texts; Ctrl-C stops it. Raises what `models.scorer` raises."""
    return _in_sight(
        located,
        settings,
        lambda progress: models.scorer(
            located, settings, context=context, sequences=sequences, progress=progress
        ),
    )


def _in_sight(
    located: "Located", settings: Settings, load: Callable[[Callable[[float], bool]], T]
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
    print(f"{clean(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _agreed(offer: Offer) -> bool:
    much = f", {size(offer.bytes)}" if offer.bytes else ""
    return agreed(
        f"{offer.name} is not on this machine. Fetch it from hf.co/{offer.repository}{much}?"
    )
