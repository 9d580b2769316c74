"""What a repository holds at one commit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """A repository's files, pinned to a commit. `gated`: its licence must be accepted first."""

    repository: str
    commit: str
    gated: bool
    licence: str | None
    files: tuple[RemoteFile, ...]

    def file(self, path: str) -> RemoteFile:
        """The file at `path`. Raises UnknownModel where there is none."""
        for file in self.files:
            if file.path == path:
                return file
        raise UnknownModel(f"{self.repository} has no file {path}")


def read_listing(info: "ModelInfo") -> Listing:
    """A Listing from the answer to `model_info(files_metadata=True)`.

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
    return Listing(info.id, info.sha, bool(info.gated), _licence(info), tuple(files))


def _licence(info: "ModelInfo") -> str | None:
    """The licence of the model card; for `other`, the name it goes by."""
    card = info.card_data
    if card is None:
        return None
    licence = card.get("license")
    if licence == "other":
        licence = card.get("license_name") or licence
    return licence if isinstance(licence, str) else None
