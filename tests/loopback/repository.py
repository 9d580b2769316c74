"""What the stand-in Hub holds, and its log: repositories and requests."""

import hashlib
from dataclasses import dataclass, field
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


@dataclass
class Repository:
    """A model repository at its only commit."""

    name: str
    files: dict[str, bytes]
    gated: bool
    licence: str | None
    commit: str = field(init=False)

    def __post_init__(self) -> None:
        content = hashlib.sha1(self.name.encode())
        for path, data in sorted(self.files.items()):
            content.update(path.encode() + hashlib.sha256(data).digest())
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
        }


def _sibling(path: str, data: bytes) -> dict[str, Any]:
    about: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": "0" * 40}
    if in_large_storage(path):
        sha256 = hashlib.sha256(data).hexdigest()
        about["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 135}
    return about


def in_large_storage(path: str) -> bool:
    """Whether the Hub keeps a file outside git, behind the CDN: models, and not their cards."""
    return path.lower().endswith(".gguf")
