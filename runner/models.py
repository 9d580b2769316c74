"""The one way from a name to a model ready to run: find it, fetch it, place it, load it.

Sampling and context come from the user, else from the catalogue, else from the model's file, else
from the program; each value's origin is kept, so that a command can show it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from runner.catalog import Catalog, Entry, Quantization, load_catalog, models_directory
from runner.errors import (
    DiskError,
    IntegrityError,
    ModelNotHere,
    Offer,
    UnknownModel,
)
from runner.hub import quantization_of
from runner.library import Library, Part, Record
from runner.reference import CatalogReference, FileReference, HubReference, parse
from runner.settings import Settings, data_directory

if TYPE_CHECKING:
    from runner.engine.events import Sampling
    from runner.engine.model import Model
    from runner.engine.stream import ReadProgress, Stream
    from runner.fit import Placement
    from runner.hub import Hub, Listing, RemoteFile
    from runner.prompt import ChatTemplate, Message

FetchProgress = Callable[[str, int, int], None]
"""Called with (file name, bytes done, bytes in all) while a model is fetched."""

SUGGESTED_SHARE = 0.25
"""A suggested model's file is at most this share of the free memory: with 16 GB that is a 7B in
Q4_K_M, which a laptop's processor still reads at a bearable speed."""


@dataclass(frozen=True, slots=True)
class Located:
    """A model's file on this disk, and what is known about it."""

    path: Path
    name: str
    quantization: str | None = None
    entry: Entry | None = None
    record: Record | None = None


# Finding


def locate(text: str | None) -> Located:
    """The model a user means; None means the one used last, else the one that ships.

    Raises ModelNotHere with an offer where it could be fetched, and UnknownModel.
    """
    if text is None:
        return _used_last() or shipped()
    catalog = load_catalog()
    match parse(text):
        case FileReference(path=path):
            if not path.is_file():
                raise UnknownModel(f"there is no file {path}", remedy="Check the path.")
            return Located(path, path.name, quantization_of(path.name))
        case CatalogReference(name=name, quantization=quantization):
            entry = _entry(catalog, name)
            if entry.path is not None:
                return shipped()
            return _fetched_entry(entry, quantization)
        case HubReference() as reference:
            return _fetched_repository(reference)


def shipped() -> Located:
    """The model that comes with Runner."""
    entry = load_catalog().shipped
    path = models_directory() / str(entry.path)
    return Located(path, entry.name, quantization_of(path.name), entry)


def here() -> list[Located]:
    """Every model on this disk, the shipped one first, then by name."""
    fetched = [_from_record(record) for record in Library().records()]
    return [shipped(), *sorted(fetched, key=lambda located: (located.name, str(located.path)))]


def suggestion() -> Entry | None:
    """The largest catalogue model that runs comfortably in this machine's free memory."""
    from runner import machine

    room = machine.memory().available * SUGGESTED_SHARE
    fitting = [
        entry
        for entry in load_catalog().entries
        if entry.suggest and 0 < (entry.quantization().bytes or 0) <= room
    ]
    return max(fitting, key=lambda entry: entry.parameters, default=None)


def _used_last() -> Located | None:
    record = Library().last_used()
    return _from_record(record) if record is not None else None


def _entry(catalog: Catalog, name: str) -> Entry:
    entry = catalog.find(name)
    if entry is None:
        near = catalog.nearest(name)
        raise UnknownModel(
            f"no model is called {name!r}",
            remedy=f"Did you mean {' or '.join(near)}?"
            if near
            else "`runner list --all` names the models of the catalogue; "
            "any GGUF repository works as org/repo.",
        )
    return entry


def _fetched_entry(entry: Entry, quantization: str | None) -> Located:
    mine = [record for record in Library().records() if record.name == entry.name]
    for record in sorted(mine, key=lambda record: record.last_used, reverse=True):
        if quantization is None or _same(record.quantization, quantization):
            return _from_record(record)
    choice = entry.quantization(quantization)
    typed = f"{entry.name}:{choice.name}" if quantization else entry.name
    raise _not_here(typed, Offer(typed, choice.repository, choice.name, choice.bytes))


def _fetched_repository(reference: HubReference) -> Located:
    wanted = reference.quantization
    for record in Library().records():
        if (
            record.repository.lower() == reference.repository.lower()
            and (reference.file is None or record.file == reference.file)
            and (wanted is None or _same(record.quantization, wanted))
        ):
            return _from_record(record)
    raise _not_here(str(reference), Offer(str(reference), reference.repository, wanted, None))


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()


def _not_here(typed: str, offer: Offer) -> ModelNotHere:
    size = f"  ({offer.bytes / 1e9:.2f} GB)" if offer.bytes else ""
    return ModelNotHere(
        f"{typed} is not on this machine", offer=offer, remedy=f"runner pull {typed}{size}"
    )


def _from_record(record: Record) -> Located:
    entry = load_catalog().find(record.name)
    return Located(record.path, record.name, record.quantization, entry, record)


# Fetching


def pull(text: str, *, hub: "Hub", progress: FetchProgress) -> Located:
    """Fetch the model `text` names, verified, and record it. Already here: nothing is fetched.

    Raises what `hub` raises, and UnknownModel, IntegrityError where the catalogue knows another
    sha256 than the Hub, DiskError.
    """
    from runner.hub import choose, parts_of

    match parse(text):
        case FileReference(path=path):
            raise UnknownModel(
                f"{path} is a path", remedy=f"A file runs in place: runner chat {path}"
            )
        case CatalogReference(name=name, quantization=quantization):
            entry = _entry(load_catalog(), name)
            if entry.path is not None:
                return shipped()
            known = entry.quantization(quantization)
            listing = hub.listing(known.repository, known.revision)
            files = parts_of(listing, known.file)
            _agree(known, files[0])
            name, quantization = entry.name, known.name
        case HubReference() as reference:
            listing = hub.listing(reference.repository, reference.revision)
            files = (
                parts_of(listing, reference.file)
                if reference.file
                else choose(listing, reference.quantization)
            )
            name, quantization = f"hf.co/{reference.repository}", quantization_of(files[0].path)
    return _fetch(hub, listing, files, name, quantization, progress)


def _agree(known: Quantization, published: "RemoteFile") -> None:
    if known.sha256 and published.sha256 and known.sha256 != published.sha256:
        raise IntegrityError(
            f"{known.file} is not the file the catalogue knows: its sha256 is "
            f"{published.sha256[:12]}…, the catalogue's {known.sha256[:12]}…",
            remedy="It was replaced since. To take what the repository holds now: "
            f"runner pull hf.co/{known.repository}:{known.name}",
        )


def _fetch(
    hub: "Hub",
    listing: "Listing",
    files: "Sequence[RemoteFile]",
    name: str,
    quantization: str | None,
    progress: FetchProgress,
) -> Located:
    library = Library()
    fetched = [
        hub.fetch(
            listing,
            file,
            library.path_for(listing.repository, file.path),
            progress=_of_file(file, progress),
        )
        for file in files
    ]
    parts = tuple(
        Part(file.path, whole.bytes, whole.sha256)
        for file, whole in zip(files[1:], fetched[1:], strict=True)
    )
    record = Record(
        name=name,
        repository=listing.repository,
        commit=listing.commit,
        file=files[0].path,
        quantization=quantization,
        bytes=fetched[0].bytes,
        sha256=fetched[0].sha256,
        fetched_at=datetime.now(UTC),
        used_at=None,
        path=fetched[0].path,
        parts=parts,
    )
    library.add(record)
    return _from_record(record)


def _of_file(file: "RemoteFile", progress: FetchProgress) -> Callable[[int], None]:
    return lambda done: progress(file.path, done, file.bytes)


def remove(text: str) -> list[tuple[Path, int]]:
    """Delete a fetched model's files; the paths and bytes that were freed."""
    located = locate(text)
    if located.record is None:
        raise UnknownModel(
            f"{located.name} was not fetched by Runner", remedy=f"Delete {located.path} yourself."
        )
    return [(located.path, Library().remove(located.record))]


# Making ready


@dataclass(slots=True)
class Ready:
    """A loaded model with its template and defaults. Close it, or use it in a `with` block."""

    located: Located
    model: "Model"
    template: "ChatTemplate"
    placement: "Placement"
    sampling: "Sampling"
    max_tokens: int | None
    think: bool | None
    origins: dict[str, str] = field(default_factory=dict)
    """Where each sampling value came from: command line, catalogue, model file, program…"""

    def reply(
        self,
        messages: "Sequence[Message]",
        *,
        tools: Sequence[dict[str, Any]] | None = None,
        progress: "ReadProgress | None" = None,
    ) -> "Stream":
        """Start the assistant's next turn."""
        prompt = self.template.render(messages, tools=tools, think=self.think)
        return self.model.generate(
            prompt, sampling=self.sampling, max_tokens=self.max_tokens, progress=progress
        )

    def continue_text(self, text: str, *, progress: "ReadProgress | None" = None) -> "Stream":
        """Continue a text without a template, as base models do."""
        from runner.prompt import Prompt

        return self.model.generate(
            Prompt.raw(text), sampling=self.sampling, max_tokens=self.max_tokens, progress=progress
        )

    def close(self) -> None:
        self.model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ready(
    located: Located, settings: Settings, *, progress: Callable[[float], bool] | None = None
) -> Ready:
    """Check, place and load the model.

    Raises BadModelFile, DoesNotFit, DeviceError, TemplateError.
    """
    from runner.engine.model import Model
    from runner.fit import Wishes, place
    from runner.llama import library

    library.set_verbose(bool(settings.verbose))
    wishes = Wishes(
        context=settings.ctx,
        gpu_layers=settings.gpu_layers,
        device=settings.device,
        require_gpu=bool(settings.require_gpu),
        kv_type=settings.kv,
        threads=settings.threads,
    )
    placement = place(located.path, wishes)
    if located.entry is None or located.entry.path is None:
        _probe_once(located.path)
    model = Model.open(located.path, placement, progress=progress)
    if located.record is not None:
        Library().touch(located.record)
    sampling, origins = _sampling(settings, located.entry, model)
    return Ready(
        located=located,
        model=model,
        template=_template(model, located.entry),
        placement=placement,
        sampling=sampling,
        max_tokens=settings.max_tokens,
        think=None,
        origins=origins,
    )


def _template(model: "Model", entry: Entry | None) -> "ChatTemplate":
    from runner.prompt import ChatTemplate, Marks

    vocabulary = model.vocabulary

    def text(token: int) -> str:
        return vocabulary.piece(token).decode("utf-8", "replace") if token >= 0 else ""

    marks = None
    if entry is not None and entry.reasoning.open and entry.reasoning.close:
        marks = Marks(entry.reasoning.open, entry.reasoning.close)
    return ChatTemplate(
        model.template_source,
        bos=text(vocabulary.bos),
        eos=text(vocabulary.eos),
        marks=marks,
        fold_system=entry is not None and entry.avoid_system_prompt,
    )


# Our name of a sampling value → the key under which a GGUF may recommend one.
FILE_KEYS = {
    "temperature": "general.sampling.temp",
    "top_k": "general.sampling.top_k",
    "top_p": "general.sampling.top_p",
    "min_p": "general.sampling.min_p",
    "repeat_penalty": "general.sampling.penalty_repeat",
    "presence_penalty": None,
}


def _sampling(
    settings: Settings, entry: Entry | None, model: "Model"
) -> "tuple[Sampling, dict[str, str]]":
    """Each sampling value from the first that names one, and where that was."""
    from runner.engine.events import Sampling

    recommended = entry.sampling_for(None) if entry else None
    values: dict[str, Any] = {"seed": settings.seed}
    origins = {"seed": settings.origin("seed") if settings.seed is not None else "drawn"}
    for name, key in FILE_KEYS.items():
        candidates = (
            (getattr(settings, name, None), settings.origin(name)),
            (getattr(recommended, name, None), "catalogue"),
            (model.weights.metadata(key) if key else None, "model file"),
        )
        origins[name] = "program"
        for value, origin in candidates:
            if value is not None:
                values[name] = int(value) if name == "top_k" else float(value)
                origins[name] = origin
                break
    return Sampling(**values), origins


def _probe_once(path: Path) -> None:
    """Probe a file the first time it is seen; changed files are probed again."""
    from runner.llama.library import PINNED_VERSION
    from runner.llama.probe import probe

    state = path.stat()
    stamp = [state.st_size, state.st_mtime_ns, PINNED_VERSION]
    memory = data_directory() / "probed.json"
    try:
        probed = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        probed = {}
    if not isinstance(probed, dict) or probed.get(str(path.resolve())) != stamp:
        probe(path)
        kept = probed if isinstance(probed, dict) else {}
        kept[str(path.resolve())] = stamp
        _write(memory, json.dumps(kept))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror}") from error
