"""Read a GGUF file's header: its metadata and where its tensors lie, without touching the weights.

The layout is GGUF versions 2 and 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
llama.cpp aborts the whole process on some damaged files, so what it assumes is checked here first.
"""

import hashlib
import mmap
import re
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.errors import BadModelFile

MAGIC = b"GGUF"
FLOAT32, STRING, ARRAY = 6, 8, 9
SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}

# Bytes and elements of one block of each ggml tensor type that a GGUF may hold: {id: (name,
# elements, bytes)}, from ggml's type table.
TENSOR_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36),
}  # fmt: skip


FRONT = 2**20
"""Bytes of a file's beginning that stand for what it says of itself."""

PART = re.compile(r"-00001-of-(\d{5})(?=\.gguf$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `shape` innermost first, `offset` in bytes from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    bytes: int | None
    """Size, or None for a tensor type newer than this table."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF says before its weights. Arrays of strings (vocabularies) are not kept: only
    their length is, under the same key."""

    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]
    data_offset: int
    file_bytes: int
    types: dict[str, int] = field(default_factory=dict)
    """The GGUF type of each value of the metadata: llama.cpp aborts on one that it expects as
    another."""

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    def of_architecture(self, key: str) -> Any:
        """The value of `<architecture>.<key>`, or None."""
        return self.metadata.get(f"{self.architecture}.{key}")

    @property
    def weight_bytes(self) -> int:
        return sum(tensor.bytes or 0 for tensor in self.tensors)


class _Cursor:
    """Reads forward through a mapped file; running off its end raises struct.error."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def scalar(self, code: str) -> Any:
        value = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def string(self) -> str:
        length = self.scalar("Q")
        if length > len(self.data) - self.at:
            raise struct.error("string runs past the end")
        start, self.at = self.at, self.at + length
        return self.data[start : self.at].decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            return self.array()
        return self.scalar(SCALARS[kind])

    def array(self) -> Any:
        kind, count = self.scalar("I"), self.scalar("Q")
        if kind == STRING:
            return self._skip_strings(count)
        if kind == ARRAY:
            return [self.array() for _ in range(count)]
        size = struct.calcsize("<" + SCALARS[kind])
        if count * size > len(self.data) - self.at:
            raise struct.error("array runs past the end")
        start, self.at = self.at, self.at + count * size
        # Per-layer values are short; per-token scores and types are long and of no use here.
        if count > 4096:
            return count
        return list(struct.unpack_from(f"<{count}{SCALARS[kind]}", self.data, start))

    def _skip_strings(self, count: int) -> int:
        unpack, data, at, end = struct.Struct("<Q").unpack_from, self.data, self.at, len(self.data)
        for _ in range(count):
            at += 8 + unpack(data, at)[0]
            if at > end:
                raise struct.error("string runs past the end")
        self.at = at
        return count


def read_header(path: Path, *, model: bool = True) -> Header:
    """The header of the GGUF at `path`; with `model` False, of one that holds something else: an
    adapter, or a later part of a split model.

    Raises BadModelFile where the file is not a GGUF, is cut short, or says something that would
    make llama.cpp abort.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if size < 24 or file.read(4) != MAGIC:
                raise BadModelFile(
                    f"{path.name} is not a GGUF file",
                    remedy="Runner runs models in the GGUF format; look for a repository whose "
                    "name ends in -GGUF."
                    if model
                    else "llama.cpp's convert_lora_to_gguf.py makes one of other adapters.",
                )
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                header = _parse(_Cursor(data), size)
    except (struct.error, KeyError, OverflowError, MemoryError) as error:
        raise BadModelFile(
            f"{path.name} is damaged or cut short: its header does not parse ({error})",
            remedy="Fetch it again with `runner pull`, or copy it again.",
        ) from None
    except OSError as error:
        raise BadModelFile(f"cannot read {path}: {error.strerror}") from None
    if model:
        _check_model(header, path)
    _check_whole(header, path)
    return header


def read_whole_header(path: Path) -> Header:
    """The header of a model with the tensors of all its parts, where it is split into several
    files. Raises BadModelFile."""
    header = read_header(path)
    first = PART.search(path.name)
    if first is None:
        return header
    names = (
        PART.sub(f"-{number:05}-of-{first[1]}", path.name) for number in range(1, int(first[1]) + 1)
    )
    parts = [read_header(path.with_name(name), model=False).tensors for name in names]
    return replace(header, tensors=tuple(tensor for part in parts for tensor in part))


def fingerprint(path: Path) -> str:
    """What tells a file from every other without reading all of it: its size, its time and the
    sha256 of its beginning. Raises OSError."""
    state = path.stat()
    with path.open("rb") as file:
        front = hashlib.sha256(file.read(FRONT)).hexdigest()
    return f"{state.st_size} {state.st_mtime_ns} {front}"


def _parse(cursor: _Cursor, size: int) -> Header:
    cursor.at = 4
    version = cursor.scalar("I")
    if version not in (2, 3):
        raise BadModelFile(
            f"GGUF version {version} is not one this program reads (2 or 3)",
            remedy="Look for a newer conversion of the model.",
        )
    tensor_count, pair_count = cursor.scalar("Q"), cursor.scalar("Q")
    metadata: dict[str, Any] = {}
    types: dict[str, int] = {}
    for _ in range(pair_count):
        key = cursor.string()
        types[key] = cursor.scalar("I")
        metadata[key] = cursor.value(types[key])
    tensors = tuple(_tensor(cursor) for _ in range(tensor_count))
    alignment = int(metadata.get("general.alignment", 32))
    if alignment < 1:
        raise struct.error("alignment is 0")
    return Header(metadata, tensors, -(-cursor.at // alignment) * alignment, size, types)


def _tensor(cursor: _Cursor) -> Tensor:
    name = cursor.string()
    dimensions = cursor.scalar("I")
    if dimensions > 4:
        raise struct.error(f"tensor {name!r} has {dimensions} dimensions")
    shape = tuple(cursor.scalar("Q") for _ in range(dimensions))
    kind, offset = cursor.scalar("I"), cursor.scalar("Q")
    type_name, block, block_bytes = TENSOR_TYPES.get(kind, (f"type {kind}", 0, 0))
    elements = 1
    for extent in shape:
        elements *= extent
    size = elements // block * block_bytes if block else None
    return Tensor(name, shape, type_name, offset, size)


def _check_model(header: Header, path: Path) -> None:
    if not header.architecture:
        raise BadModelFile(f"{path.name} names no architecture, so it holds no model")
    block_count = header.of_architecture("block_count")
    if header.tensors and (not isinstance(block_count, int) or block_count < 1):
        raise BadModelFile(f"{path.name} says it has {block_count or 0} layers")


def _check_whole(header: Header, path: Path) -> None:
    # A part of a split model names the tensors of that part only, so this holds for it too; a
    # file without tensors (a vocabulary) need not be padded up to its data.
    end = max((t.offset + t.bytes for t in header.tensors if t.bytes is not None), default=None)
    if end is not None and header.data_offset + end > header.file_bytes:
        missing = header.data_offset + end - header.file_bytes
        raise BadModelFile(
            f"{path.name} is cut short: {missing / 1e6:.1f} MB of "
            f"{(header.data_offset + end) / 1e6:.1f} MB are missing",
            remedy="Fetch it again with `runner pull`, or copy it again.",
        )
