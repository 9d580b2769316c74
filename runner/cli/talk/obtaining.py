"""The model a chat is to be with: on this disk, or fetched where a person agrees."""

from typing import TYPE_CHECKING

from runner import models
from runner.cli.talk.face import Choice, Face
from runner.cli.talk.stoppable import Stoppable
from runner.cli.words import size
from runner.errors import ModelNotHere, Offer
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.hub import Hub
    from runner.models import Located


def obtained(face: Face, text: str | None, settings: Settings) -> "Located":
    """The model that a text means. Raises ModelNotHere where nobody can be asked or the answer is
    no, what fetching does, and KeyboardInterrupt where it was stopped."""
    try:
        return models.locate(text, settings.model_folders or ())
    except ModelNotHere as error:
        if text is None or settings.offline or not face.interactive:
            raise
        return _fetched(face, text, error, settings)


def _fetched(face: Face, text: str, error: ModelNotHere, settings: Settings) -> "Located":
    """Of a repository nothing is known before it is asked, which is only where a person agrees; of
    the catalogue's models the quantization is chosen first."""
    known = error.offer.bytes is not None
    if known:
        text = _picked(face, text, settings)
        offer = models.offer(text)
    else:
        offer = error.offer
    if offer is not None and not _agreed(face, offer):
        raise error
    if not known:
        text = _picked(face, text, settings)
    with Stoppable(face) as stoppable:

        def progress(name: str, done: int, total: int) -> None:
            stoppable.check()
            face.progress(f"{name}: {size(done)} of {size(total)}")

        return models.pull(
            text,
            hub=_hub(face, settings),
            progress=progress,
            checking=progress,
            folders=settings.model_folders or (),
        )


def _picked(face: Face, text: str, settings: Settings) -> str:
    """One quantization of what a text means."""
    with Stoppable(face) as stoppable:

        def read(count: int) -> None:
            stoppable.check()
            face.progress(f"read {size(count)} of headers")

        picked = models.pick(
            text,
            settings,
            hub=lambda: _hub(face, settings),
            measure=lambda: _measured(face, stoppable),
            progress=read,
        )
    if picked.why and not settings.quiet:
        face.note(picked.why)
    if picked.unfit is not None:
        answers = (Choice("n", "no"), Choice("y", "fetch it all the same"))
        if face.ask(picked.unfit.message, answers) != "y":
            raise picked.unfit
    return picked.text


def _measured(face: Face, stoppable: Stoppable) -> None:
    from runner import machine
    from runner.errors import BuildError, DiskError

    if machine.rates() is not None:
        return

    def progress(fraction: float) -> bool:
        face.progress(f"measuring this machine's speed, once: {fraction:.0%}")
        return not stoppable.stopped

    try:
        machine.measure(progress)
    except (BuildError, DiskError) as error:
        face.note(f"this machine's speed stays unmeasured: {error.message}")
    stoppable.check()


def _hub(face: Face, settings: Settings) -> "Hub":
    from runner.hub import Hub

    return Hub(offline=bool(settings.offline), remark=face.note)


def _agreed(face: Face, offer: Offer) -> bool:
    much = f", {size(offer.bytes)}" if offer.bytes else ""
    where = f"Fetch it from hf.co/{offer.repository}{much}?"
    answers = (Choice("n", "no"), Choice("y", "fetch it"))
    return face.ask(f"{offer.name} is not on this machine. {where}", answers) == "y"
