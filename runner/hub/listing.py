"""What a repository holds at one commit."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.errors import UnknownModel
from runner.hub.retry import Transient

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. `sha256` is None for a file outside large-file storage."""

    path: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository's files, pinned to a commit. `gated`: its licence must be accepted first, and
    then `gate` says how: "auto" lets in at once, "manual" by its owner's hand.

    `licence_link` is where the licence can be read; `updated` is when the repository last changed.
    """

    repository: str
    commit: str
    gated: bool
    licence: str | None
    files: tuple[RemoteFile, ...]
    licence_link: str | None = None
    base_models: tuple[str, ...] = ()
    gate: str | None = None
    updated: datetime | None = None

    def file(self, path: str) -> RemoteFile:
        """The file at `path`. Raises UnknownModel where there is none."""
        for file in self.files:
            if file.path == path:
                return file
        raise UnknownModel(f"{self.repository} has no file {path}")


def read_listing(info: "ModelInfo", endpoint: str) -> Listing:
    """A Listing from the answer of the Hub at `endpoint` to `model_info(files_metadata=True)`.

    Raises Transient where the answer lacks the commit or the sizes: the Hub always gives them,
    so something else answered.
    """
    if not info.sha:
        raise Transient(f"the answer about {info.id} names no commit")
    files = []
    for sibling in info.siblings or ():
        if not sibling.rfilename.isprintable():
            continue  # control characters: never a model, and not to be shown on a terminal
        if not isinstance(sibling.size, int) or sibling.size < 0:
            raise Transient(f"the answer about {info.id} gives no size for {sibling.rfilename}")
        sha256 = sibling.lfs.sha256 if sibling.lfs else None
        files.append(RemoteFile(sibling.rfilename, sibling.size, sha256))
    return Listing(
        repository=info.id,
        commit=info.sha,
        gated=bool(info.gated),
        licence=licence_of(info.card_data),
        files=tuple(files),
        licence_link=_licence_link(info, f"{endpoint}/{info.id}/blob/{info.sha}/"),
        base_models=base_models_of(info.card_data),
        gate=info.gated if isinstance(info.gated, str) else None,
        updated=info.last_modified,
    )


def licence_of(card: Any) -> str | None:
    """The licence that a model card states; for `other`, the name it goes by."""
    licence = card.get("license") if card else None
    if licence == "other":
        licence = card.get("license_name") or licence
    if isinstance(licence, list):
        licence = ", ".join(map(str, licence))
    return licence if isinstance(licence, str) else None


def base_models_of(card: Any) -> tuple[str, ...]:
    """The models that a model card says its model was made from."""
    base = card.get("base_model") if card else None
    if isinstance(base, list):
        return tuple(map(str, base))
    return (str(base),) if base else ()


def _licence_link(info: "ModelInfo", files: str) -> str | None:
    """The address of the licence: the card's own, or that of a file under the address `files`."""
    link = info.card_data.get("license_link") if info.card_data else None
    names = [sibling.rfilename for sibling in info.siblings or ()]
    if isinstance(link, str) and link.startswith("https://") and link.isprintable():
        return link
    for name in (link, "LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"):
        if name in names:
            return files + name
    return None
