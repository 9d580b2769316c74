"""Read a GGUF file's header: its metadata and where its tensors lie, without touching the weights.

The layout is GGUF versions 2 and 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
llama.cpp aborts the whole process on some damaged files, so what it assumes is checked here first.
A header can be read from a file on this disk or from the first bytes of one that lies elsewhere.
"""

import hashlib
import mmap
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.errors import BadModelFile

MINIMUM = 24
"""Bytes of the shortest header: magic, version and two counts."""

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

LONGEST = 2**27
"""Bytes that a header may have, MOST_PAIRS and MOST_TENSORS what it may hold: several times the
largest that are published. A header that asks for more would be read for minutes."""
MOST_PAIRS, MOST_TENSORS = 2**12, 2**17

MOST_LAYERS = 512  # LLAMA_MAX_LAYERS

PART = re.compile(r"-(\d{5})-of-(\d{5})$", re.IGNORECASE)
"""How the name of a split model's file ends, before `.gguf`: its number, from 1 on, of how many."""


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


class NeedsMore(Exception):
    """The bytes at hand end before the header does; of the file's first bytes at least `bytes` are
    needed to read on."""

    def __init__(self, bytes: int) -> None:
        super().__init__(f"at least {bytes} bytes are needed")
        self.bytes = bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """A key, its GGUF type and its value, which lie from `start` to `end` in the file."""

    key: str
    type: int
    value: Any
    start: int
    end: int


class Cursor:
    """Reads forward through `data`, which is a file of `size` bytes from position `base` on, or as
    much of it as is at hand.

    Raises NeedsMore where `data` ends too early, struct.error and KeyError where the file does not
    hold what it should.
    """

    def __init__(self, data: mmap.mmap | bytes, size: int, base: int = 0) -> None:
        self.data = data
        self.size = min(size, LONGEST)
        self.base = base
        self.at = 0

    @property
    def position(self) -> int:
        """Where in the file it stands."""
        return self.base + self.at

    def take(self, count: int) -> int:
        """Step over `count` bytes, which are there; where in `data` they begin."""
        start, end = self.at, self.at + count
        if self.base + end > self.size:
            raise struct.error("it runs past the end")
        if end > len(self.data):
            raise NeedsMore(self.base + end)
        self.at = end
        return start

    def scalar(self, code: str) -> Any:
        code = "<" + code
        return struct.unpack_from(code, self.data, self.take(struct.calcsize(code)))[0]

    def string(self) -> str:
        start = self.take(self.scalar("Q"))
        return self.data[start : self.at].decode("utf-8", "replace")

    def counts(self) -> tuple[int, int]:
        """Step over magic and version; how many tensors and key-value pairs there are."""
        self.take(len(MAGIC))
        version = self.scalar("I")
        if version not in (2, 3):
            raise BadModelFile(
                f"GGUF version {version} is not one this program reads (2 or 3)",
                remedy="Look for a newer conversion of the model.",
            )
        tensors, pairs = self.scalar("Q"), self.scalar("Q")
        if tensors > MOST_TENSORS or pairs > MOST_PAIRS:
            raise struct.error(f"{tensors} tensors and {pairs} values")
        return tensors, pairs

    def pair(self) -> Pair:
        start = self.position
        key, kind = self.string(), self.scalar("I")
        return Pair(key, kind, self.value(kind), start, self.position)

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
            raise struct.error("an array of arrays")  # which llama.cpp refuses too
        code = SCALARS[kind]
        start = self.take(count * struct.calcsize(code))
        # Per-layer values are short; per-token scores and types are long and of no use here.
        if count > 4096:
            return count
        return list(struct.unpack_from(f"<{count}{code}", self.data, start))

    def _skip_strings(self, count: int) -> int:
        unpack, data, at = struct.Struct("<Q").unpack_from, self.data, self.at
        end = min(len(data), self.size - self.base)
        for _ in range(count):
            if at + 8 > end:
                self.take(at + 8 - self.at)
            at += 8 + unpack(data, at)[0]
            if at > end:
                self.take(at - self.at)
        self.at = at
        return count

    def tensor(self) -> Tensor:
        name = self.string()
        dimensions = self.scalar("I")
        if dimensions > 4:
            raise struct.error(f"tensor {name[:64]!r} has {dimensions} dimensions")
        shape = tuple(self.scalar("Q") for _ in range(dimensions))
        kind, offset = self.scalar("I"), self.scalar("Q")
        type_name, block, block_bytes = TENSOR_TYPES.get(kind, (f"type {kind}", 0, 0))
        elements = 1
        for extent in shape:
            elements *= extent
        size = elements // block * block_bytes if block else None
        return Tensor(name, shape, type_name, offset, size)


def read_header(path: Path, *, model: bool = True) -> Header:
    """The header of the GGUF at `path`; with `model` False, of one that holds something else: an
    adapter, or a later part of a split model.

    Raises BadModelFile where the file is not a GGUF, is cut short, or says something that would
    make llama.cpp abort.
    """
    try:
        size = path.stat().st_size
        if size == 0:  # which cannot be mapped
            return read_prefix(b"", 0, path.name, model=model)
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return read_prefix(data, size, path.name, model=model)
    except OSError as error:
        raise BadModelFile(f"cannot read {path}: {error.strerror}") from None


def read_prefix(
    data: mmap.mmap | bytes, file_bytes: int, name: str, *, model: bool = True
) -> Header:
    """The header of the GGUF called `name`, `file_bytes` long, whose first bytes are `data`.

    Raises BadModelFile as `read_header` does, and NeedsMore where the header goes on after `data`.
    """
    header, _, _ = read_layout(data, file_bytes, name, model=model)
    return checked(header, name, model=model)


def read_layout(
    data: mmap.mmap | bytes, file_bytes: int, name: str, *, model: bool = True
) -> tuple[Header, tuple[Pair, ...], int]:
    """A header as it stands, its pairs, and where its list of tensors ends. See `read_prefix`."""
    if file_bytes < MINIMUM or data[:4] != MAGIC[: len(data)]:
        raise BadModelFile(
            f"{name} is not a GGUF file",
            remedy="Runner runs models in the GGUF format; look for a repository whose name ends "
            "in -GGUF."
            if model
            else "llama.cpp's convert_lora_to_gguf.py makes one of other adapters.",
        )
    with parsing(name):
        cursor = Cursor(data, file_bytes)
        tensor_count, pair_count = cursor.counts()
        pairs = tuple(cursor.pair() for _ in range(pair_count))
        tensors = tuple(cursor.tensor() for _ in range(tensor_count))
        return assembled(pairs, tensors, cursor.position, file_bytes), pairs, cursor.position


@contextmanager
def parsing(name: str) -> Iterator[None]:
    """Turn what a Cursor finds wrong into BadModelFile."""
    try:
        yield
    except (struct.error, KeyError, OverflowError, MemoryError) as error:
        raise BadModelFile(
            f"{name} is damaged or cut short: its header does not parse ({error})",
            remedy="Fetch it again with `runner pull`, or copy it again.",
        ) from None


def assembled(
    pairs: Sequence[Pair], tensors: tuple[Tensor, ...], end: int, file_bytes: int
) -> Header:
    """The header of these pairs and tensors, whose list ends at `end`. Raises struct.error."""
    metadata: dict[str, Any] = {}
    for pair in pairs:
        if pair.key in metadata:
            raise struct.error(f"{pair.key[:64]!r} is there twice")
        metadata[pair.key] = pair.value
    types = {pair.key: pair.type for pair in pairs}
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise struct.error("its alignment is no power of two")
    return Header(metadata, tensors, padded(end, alignment), file_bytes, types)


def padded(count: int, alignment: int) -> int:
    """`count` bytes, up to the next multiple of `alignment`."""
    return -(-count // alignment) * alignment


def checked(header: Header, name: str, *, model: bool = True) -> Header:
    """The header, if llama.cpp would get on with it. Raises BadModelFile."""
    if model:
        _check_model(header, name)
    _check_whole(header, name)
    return header


def read_whole_header(path: Path) -> Header:
    """The header of a model with the tensors of all its parts, where it is split into several
    files. Raises BadModelFile."""
    header = read_header(path)
    part = PART.search(path.stem)
    if part is None or int(part[1]) != 1:
        return header
    names = (
        f"{path.stem[: part.start()]}-{number:05}-of-{part[2]}{path.suffix}"
        for number in range(1, int(part[2]) + 1)
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


def _check_model(header: Header, name: str) -> None:
    if not header.architecture:
        raise BadModelFile(f"{name} names no architecture, so it holds no model")
    block_count = header.of_architecture("block_count")
    layers = block_count if isinstance(block_count, int) else 0
    if header.tensors and not 1 <= layers <= MOST_LAYERS:
        raise BadModelFile(f"{name} says it has {layers} layers")


def _check_whole(header: Header, name: str) -> None:
    # A part of a split model names the tensors of that part only, so this holds for it too; a
    # file without tensors (a vocabulary) need not be padded up to its data.
    end = max((t.offset + t.bytes for t in header.tensors if t.bytes is not None), default=None)
    if end is not None and header.data_offset + end > header.file_bytes:
        missing = header.data_offset + end - header.file_bytes
        raise BadModelFile(
            f"{name} is cut short: {missing / 1e6:.1f} MB of "
            f"{(header.data_offset + end) / 1e6:.1f} MB are missing",
            remedy="Fetch it again with `runner pull`, or copy it again.",
        )
