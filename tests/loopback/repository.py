"""What the stand-in Hub holds, and its log: repositories and requests."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.loopback.faults import Where


@dataclass
class Request:
    """One request as it came, with header names in lower case, and the body bytes it was sent."""

    where: Where
    method: str
    path: str
    headers: dict[str, str]
    sent: int = 0

    @property
    def range(self) -> str | None:
        return self.headers.get("range")

    def covers(self, position: int) -> bool:
        """Whether it asks for the byte at this position of the file."""
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.range or "bytes=0-")
        return found is not None and int(found[1]) <= position <= int(found[2] or position)


@dataclass(frozen=True)
class Big:
    """A file too large for memory: one on disk, under a sha256 that it need not have."""

    path: Path
    sha256: str

    def __len__(self) -> int:
        return self.path.stat().st_size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(len(self))
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


File = bytes | Big


def digest(file: File) -> str:
    """The sha256 a file is published with."""
    return file.sha256 if isinstance(file, Big) else hashlib.sha256(file).hexdigest()


@dataclass
class Repository:
    """A model repository at its only commit. `facts` are laid over what the Hub says of it."""

    name: str
    files: dict[str, File]
    gated: bool
    licence: str | None
    facts: dict[str, Any] = field(default_factory=dict)
    commit: str = field(init=False)

    def __post_init__(self) -> None:
        content = hashlib.sha1(self.name.encode())
        for path, data in sorted(self.files.items()):
            content.update(path.encode() + bytes.fromhex(digest(data)))
        self.commit = content.hexdigest()

    def describe(self) -> dict[str, Any]:
        """The Hub's JSON for `model_info(files_metadata=True)`."""
        return {
            "id": self.name,
            "sha": self.commit,
            "private": False,
            "gated": "manual" if self.gated else False,
            "tags": ["gguf"],
            "cardData": {"license": self.licence} if self.licence else {},
            "siblings": [_sibling(path, data) for path, data in self.files.items()],
            **self.facts,
        }


def _sibling(path: str, data: File) -> dict[str, Any]:
    about: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": blob(data)}
    if in_large_storage(path):
        about["lfs"] = {"sha256": digest(data), "size": len(data), "pointerSize": 135}
    return about


def blob(data: File) -> str:
    """What git calls a small file; of a large one nobody asks."""
    if isinstance(data, Big):
        return "0" * 40
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def in_large_storage(path: str) -> bool:
    """Whether the Hub keeps a file outside git, behind the CDN: models, and not their cards."""
    return path.lower().endswith(".gguf")
