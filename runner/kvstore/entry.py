"""The file of one kept prefix: its tokens in front, so that they can be compared without reading
the rest, then the state of the cache, and a checksum over both.

    magic (8 bytes) · length of the header (4) · header (JSON) · tokens (int32) · state
"""

import hashlib
import json
import os
import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"RUNNERKV"
VERSION = 1
SUFFIX = ".kv"
_FRONT = struct.Struct("<8sI")
_LARGEST_HEADER = 4096


class Unusable(Exception):
    """The file is not a whole entry of this version; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept prefix. `state_at` is where its state begins in the file."""

    path: Path
    identity: str
    tokens: "array[int]"
    state_at: int
    state_bytes: int
    sha256: str
    owner: str
    """An opaque name, under which it can be deleted; empty for none."""

    @property
    def bytes(self) -> int:
        return self.state_at + self.state_bytes

    @property
    def used(self) -> float:
        """When it was last used, seconds since 1970."""
        return self.path.stat().st_mtime


def name_of(identity: str, tokens: "array[int]") -> str:
    """The file name of a prefix: by its content, so that the same one is kept once."""
    digest = hashlib.sha256(identity.encode() + b"\0" + tokens.tobytes())
    return digest.hexdigest()[:32] + SUFFIX


def read_front(path: Path) -> Entry:
    """All of an entry but its state. Raises Unusable and OSError."""
    with path.open("rb") as file:
        front = file.read(_FRONT.size)
        magic, length = _FRONT.unpack(front) if len(front) == _FRONT.size else (b"", 0)
        if magic != MAGIC or length > _LARGEST_HEADER:
            raise Unusable("it is no file of this kind")
        try:
            header = json.loads(file.read(length))
            if header["version"] != VERSION:
                raise Unusable(f"it is of version {header['version']}")
            count, state_bytes = int(header["tokens"]), int(header["state"])
            identity, sha256 = str(header["identity"]), str(header["sha256"])
            owner = str(header.get("owner", ""))
        except (ValueError, KeyError, TypeError) as error:
            raise Unusable("its header is damaged") from error
        tokens = array("i")
        tokens.frombytes(file.read(4 * count))
    state_at = _FRONT.size + length + 4 * count
    if len(tokens) != count or path.stat().st_size != state_at + state_bytes:
        raise Unusable("it is cut short")
    return Entry(path, identity, tokens, state_at, state_bytes, sha256, owner)


def read_state(entry: Entry) -> bytes:
    """The state of an entry, checked. Raises Unusable and OSError."""
    with entry.path.open("rb") as file:
        file.seek(entry.state_at)
        state = file.read()
    if _checksum(entry.tokens, state) != entry.sha256:
        raise Unusable("its checksum is wrong")
    return state


def write(
    folder: Path,
    identity: str,
    tokens: "array[int]",
    state: bytes,
    owner: str,
    sync: Callable[[int], None],
) -> Path:
    """Write an entry beside its place, then move it there. Raises OSError."""
    header = json.dumps(
        {
            "version": VERSION,
            "identity": identity,
            "owner": owner,
            "tokens": len(tokens),
            "state": len(state),
            "sha256": _checksum(tokens, state),
        }
    ).encode()
    path = folder / name_of(identity, tokens)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_FRONT.pack(MAGIC, len(header)) + header + tokens.tobytes())
            file.write(state)
            file.flush()
            sync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _checksum(tokens: "array[int]", state: bytes) -> str:
    digest = hashlib.sha256(tokens.tobytes())
    digest.update(state)
    return digest.hexdigest()
