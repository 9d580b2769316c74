"""Whether and how the quantizations of a model would run here, before any of them is fetched."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.catalog import Entry, Quantization, load_catalog
from runner.errors import BadModelFile, ModelNotHere, UnknownModel
from runner.fit.here import Here, here, here_at_once
from runner.fit.placement import formula_plan
from runner.fit.planning import plan
from runner.fit.plans import Plan
from runner.fit.shape import shape_plan
from runner.fit.speed import Speed, predicted
from runner.fit.verdict import Verdict, verdict
from runner.fit.wishes import Wishes
from runner.fit.work import Work, work_of, work_of_shape
from runner.gguf import read_whole_header
from runner.models.find import Located, entry_of, locate, shipped
from runner.models.wishes import wishes_of
from runner.reference import (
    CatalogReference,
    FileReference,
    HubReference,
    StoreReference,
    parse,
)
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.gguf import Header
    from runner.hub import Hub, Listing, Variant


@dataclass(frozen=True, slots=True)
class Fit:
    """How one quantization of a model would run here. `bytes` is None where nobody tells its size,
    and `plan` where nothing tells its shape; `path` is where it is on this disk, and
    `file` its name in a repository."""

    name: str
    quantization: str | None
    bytes: int | None
    plan: Plan | None
    work: Work | None = None
    path: Path | None = None
    file: str | None = None
    speed: Speed | None = None
    """None where this machine was not measured."""

    @property
    def verdict(self) -> Verdict | None:
        return verdict(self.plan) if self.plan is not None else None


def fits(
    text: str | None,
    settings: Settings,
    *,
    hub: Callable[[], "Hub"],
    exact: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Fit]:
    """The quantizations of the model that `text` names, the smallest first; None: of every entry
    of the catalogue the one that is taken by default.

    A file on this disk is planned by llama.cpp, and so are those of a repository, by their headers
    alone; the Hub that `hub` gives is asked for them. Of a catalogue's entry the recorded shape
    serves, without a connection, unless `exact` asks for headers there too. `progress` gets the
    bytes of headers that were read so far.

    Raises what `models.locate` and `hub` raise, BadModelFile, ConfigurationError, DeviceError.
    """
    wishes, folders = wishes_of(settings), settings.model_folders or ()
    if text is None:
        return rated(_catalogue(wishes))
    match parse(text):
        case FileReference() | StoreReference():
            found = [_of_file(locate(text, folders), wishes, here(wishes))]
        case CatalogReference(name=name, quantization=wanted):
            entry = entry_of(load_catalog(), name)
            if entry.path is not None:
                return rated([_of_file(shipped(), wishes, here(wishes))])
            chosen = [entry.quantization(wanted)] if wanted else list(entry.quantizations)
            found = (
                _of_repositories(entry, chosen, hub(), wishes, progress)
                if exact
                else _of_entry(entry, chosen, wishes, folders)
            )
        case HubReference() as reference:
            found = _of_repository(reference, hub(), wishes, folders, progress)
    return rated(sorted(found, key=lambda fit: (fit.bytes is None, fit.bytes or 0)))


def rated(found: list[Fit]) -> list[Fit]:
    """With their speeds, where this machine was measured."""
    from runner import machine

    rates = machine.rates()
    return [
        replace(
            one,
            speed=predicted(
                one.work,
                rates,
                layers_on=one.plan.layers_on(),
                experts_on_cpu=one.plan.wishes.experts_on_cpu,
            ),
        )
        if rates and one.work and one.plan
        else one
        for one in found
    ]


def entry_fits(entry: Entry, settings: Settings) -> list[Fit]:
    """All quantizations of an entry that the catalogue knows, by its recorded shape alone.

    Raises DeviceError and ConfigurationError as placing a model does.
    """
    wishes = wishes_of(settings)
    machine = here_at_once(wishes)
    return rated([_of_shape(entry, one, wishes, machine) for one in entry.quantizations])


def _catalogue(wishes: Wishes) -> list[Fit]:
    machine, found = here_at_once(wishes), []
    for entry in load_catalog().entries:
        if entry.quantizations:
            first = entry.quantizations[0]
            found.append(_of_shape(entry, first, wishes, machine))
    return found


def _of_shape(entry: Entry, one: Quantization, wishes: Wishes, machine: Here) -> Fit:
    planned = shape_plan(entry, one, wishes, machine)
    work = work_of_shape(entry.shape, one) if entry.shape is not None else None
    return Fit(entry.name, one.name, one.bytes, planned, work, file=one.file)


def _of_file(located: Located, wishes: Wishes, machine: Here) -> Fit:
    planned, record = plan(located.path, wishes, machine), located.record
    # A path may be the first part of several.
    size = max(located.path.stat().st_size, planned.weights.bytes)
    return Fit(
        located.name,
        located.quantization,
        record.total_bytes if record else size,
        planned,
        work_of(read_whole_header(located.path)),
        located.path,
    )


def _of_entry(
    entry: Entry, chosen: Sequence[Quantization], wishes: Wishes, folders: Sequence[str]
) -> list[Fit]:
    """By the recorded shape; what is on this disk and whole, by its file."""
    machine, found = here_at_once(wishes), []
    for one in chosen:
        try:
            located = locate(f"{entry.name}:{one.name}", folders)
            found.append(_of_file(located, wishes, here(wishes)))
        except (ModelNotHere, BadModelFile):
            found.append(_of_shape(entry, one, wishes, machine))
    return found


def _of_repositories(
    entry: Entry,
    chosen: Sequence[Quantization],
    hub: "Hub",
    wishes: Wishes,
    progress: Callable[[int], None],
) -> list[Fit]:
    """By the headers of the files that the catalogue names."""
    from runner.hub import Variant, parts_of

    machine, found = here(wishes), []
    for repository, revision in dict.fromkeys((q.repository, q.revision) for q in chosen):
        listing = hub.listing(repository, revision)
        variants = [
            Variant(one.name, one.file, tuple(parts_of(listing, one.file)))
            for one in chosen
            if (one.repository, one.revision) == (repository, revision)
        ]
        found += _of_variants(entry.name, listing, variants, hub, wishes, machine, progress)
    return found


def _of_repository(
    reference: HubReference,
    hub: "Hub",
    wishes: Wishes,
    folders: Sequence[str],
    progress: Callable[[int], None],
) -> list[Fit]:
    """By the headers of a repository's files; what is on this disk needs no connection."""
    from runner.hub import choose, parts_of, variants

    if hub.offline or reference.file or reference.quantization:
        with suppress(ModelNotHere):  # offline, the listing then says what is forbidden
            return [_of_file(locate(str(reference), folders), wishes, here(wishes))]
    listing = hub.listing(reference.repository, reference.revision)
    there = variants(listing)
    if reference.file or reference.quantization:
        files = (
            parts_of(listing, reference.file)
            if reference.file
            else choose(listing, reference.quantization)
        )
        there = tuple(one for one in there if one.files[0] == files[0])
    if not there:
        raise UnknownModel(
            f"{listing.repository} holds no GGUF model",
            remedy="Look for a repository whose name ends in -GGUF.",
        )
    name = f"hf.co/{listing.repository}"
    return _of_variants(name, listing, there, hub, wishes, here(wishes), progress)


def _of_variants(
    name: str,
    listing: "Listing",
    variants: "Sequence[Variant]",
    hub: "Hub",
    wishes: Wishes,
    machine: Here,
    progress: Callable[[int], None],
) -> list[Fit]:
    """llama.cpp plans one of them, and the others follow from it by arithmetic. A file that is no
    model, such as an adapter, or none that llama.cpp knows is left out."""
    headers = hub.headers(listing, [variant.files[0] for variant in variants], progress=progress)
    there = [(one, headers[one.files[0]]) for one in variants if one.files[0] in headers]
    first = None
    while first is None:
        variant, header = there[0]
        try:
            first = plan(hub.header_file(listing, variant.files[0]), wishes, machine)
        except BadModelFile as error:
            others = [one for one in there if one[1].architecture != header.architecture]
            if not others:
                raise
            there = others
            hub.remark(f"{variant.files[0].path} is left out: {error.message}")
    return [
        Fit(
            name,
            variant.name,
            variant.bytes,
            _like(first, header),
            work_of(header),
            file=variant.files[0].path,
        )
        for variant, header in there
    ]


def _like(first: Plan, header: "Header") -> Plan:
    try:
        return first.for_header(header)
    except ValueError:  # another model in the same repository
        return formula_plan(header, first.wishes, first.here)
