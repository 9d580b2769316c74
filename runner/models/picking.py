"""From what a person typed to the one quantization that is meant, judged before it is fetched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.catalog import load_catalog
from runner.errors import (
    BadModelFile,
    BuildError,
    ConfigurationError,
    DeviceError,
    DoesNotFit,
    ModelNotHere,
    Offer,
    OfflineError,
    UnknownModel,
)
from runner.fit.verdict import in_words
from runner.library import Library
from runner.models.choice import best, does_not_fit
from runner.models.find import entry_of, locate, located_record, recorded
from runner.models.fit import Fit, fits, rated
from runner.reference import CatalogReference, HubReference, parse
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.hub import Hub


@dataclass(frozen=True, slots=True)
class Picked:
    """`text` names exactly one quantization. `why` says in a line why it was taken, where nobody
    named it; `unfit` why it should not be fetched."""

    text: str
    why: str = ""
    unfit: DoesNotFit | None = None


def pick(
    text: str,
    settings: Settings,
    *,
    hub: "Callable[[], Hub]",
    measure: Callable[[], None],
    force: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Picked:
    """The quantization to fetch for `text`. What is on this disk is taken as it is, and what was
    begun is continued; a model of the catalogue is judged by its recorded shape, a repository by
    its files' headers, for which the Hub is asked. Where several fit well, their speed decides:
    `measure` measures this machine, if that was never done.

    Raises DoesNotFit where none of them fits, unless `force` takes one; UnknownModel, and what
    `hub` raises.
    """
    reference = parse(text)
    if not isinstance(reference, CatalogReference | HubReference):
        return Picked(text)  # whoever fetches says what is wrong with it
    if isinstance(reference, CatalogReference) and entry_of(load_catalog(), reference.name).path:
        return Picked(text)
    if (called := _here(text, reference, settings)) is not None:
        return Picked(called)
    if isinstance(reference, HubReference) and hub().offline:
        return Picked(text)
    try:
        offered = _fits(text, settings, hub, progress)
    except (BadModelFile, BuildError) as error:  # a later llama.cpp may know its architecture
        return Picked(text, why=f"not judged before it is fetched: {error.message}")
    except UnknownModel:
        if isinstance(reference, HubReference) and reference.file:
            return Picked(text)  # no model, such as a projector: fetched where its name is right
        raise
    if reference.quantization or (isinstance(reference, HubReference) and reference.file):
        return _judged(text, offered[0])
    if (begun := _begun(reference, offered)) is not None:
        called = begun.quantization or begun.file
        return Picked(_exactly(reference, begun), f"{called}: an earlier run began it")
    if sum(1 for fit in offered if fit.verdict and fit.verdict.kind == "well") > 1:
        measure()
        offered = rated(offered)
    choice = best(offered, force=force)
    chosen, alike = choice.fit, [one.quantization for one in offered].count
    if isinstance(reference, HubReference) and alike(chosen.quantization) > 1:
        # Other models beside it: whoever fetches asks for one of their names.
        return Picked(str(replace(reference, quantization=chosen.quantization)))
    return Picked(_exactly(reference, chosen), _line(chosen, choice.why, len(offered)))


def _fits(
    text: str, settings: Settings, hub: "Callable[[], Hub]", progress: Callable[[int], None]
) -> list[Fit]:
    """As `fits`; wishes that hold for no model here, such as a worker that is off, are left out."""
    try:
        return fits(text, settings, hub=hub, progress=progress)
    except (ConfigurationError, DeviceError, OfflineError):
        return fits(
            text, Settings(ctx=settings.ctx, offline=settings.offline), hub=hub, progress=progress
        )


def offer(text: str) -> Offer | None:
    """What would be fetched for the name of a catalogue's model with a quantization; None where it
    is on this disk by now."""
    try:
        locate(text)
    except ModelNotHere as error:
        return error.offer
    return None


def _begun(reference: CatalogReference | HubReference, offered: Sequence[Fit]) -> Fit | None:
    """What an earlier run began to fetch: the memory that is free may ask for another by now."""
    begun = {(partial.repository.lower(), partial.file) for partial in Library().partials()}
    if isinstance(reference, HubReference):
        mine = {file for repository, file in begun if repository == reference.repository.lower()}
    else:
        known = entry_of(load_catalog(), reference.name).quantizations
        mine = {one.file for one in known if (one.repository.lower(), one.file) in begun}
    return next((fit for fit in offered if fit.file in mine), None)


def _judged(text: str, fit: Fit) -> Picked:
    """What was named, with what speaks against it."""
    unfit = does_not_fit(fit) if fit.verdict is not None and not fit.verdict.fits else None
    return Picked(text, unfit=unfit)


def _here(text: str, reference: CatalogReference | HubReference, settings: Settings) -> str | None:
    """What is on this disk of it, by a text that names exactly that; None where nothing of its
    source is. A damaged file counts: it is fetched again."""
    try:
        there = locate(text, settings.model_folders or ())
    except ModelNotHere:
        return None
    except BadModelFile:
        there = located_record(recorded(text)[0])
    about = there.record or there.found
    if about is None or not about.repository:  # made here, or nobody knows where it came from
        return None
    if isinstance(reference, HubReference):
        named = reference.quantization or reference.file
        return str(reference if named else replace(reference, file=about.file))
    known = entry_of(load_catalog(), reference.name).quantizations
    listed = any(one.name == there.quantization for one in known)
    return str(replace(reference, quantization=there.quantization)) if listed else None


def _exactly(reference: CatalogReference | HubReference, fit: Fit) -> str:
    """Of a repository, the file itself: two of its files may have the same quantization."""
    if isinstance(reference, HubReference):
        return str(replace(reference, quantization=None, file=fit.file))
    return str(replace(reference, quantization=fit.quantization))


def _line(fit: Fit, why: str, count: int) -> str:
    """Such as `Q6_K of 14 quantizations: the best that fits well here (6.1 GiB of memory, about
    9 tokens/s)`."""
    facts = []
    if fit.plan:
        needed = fit.plan.needed() + sum(fit.plan.memory().devices.values())
        facts.append(f"{in_words(needed)} of memory")
    facts += [f"about {fit.speed.decode:.0f} tokens/s"] if fit.speed else []
    beside = f" ({', '.join(facts)})" if facts else ""
    of = f" of {count} quantizations" if count > 1 else ""
    return f"{fit.quantization or fit.name}{of}: {why}{beside}"
