"""GGUF files taken apart and put together again, byte for byte as told: also what no writer writes.

Kept apart from the reader it tests; the layout is that of ggml's docs/gguf.md, version 3.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

STRING, ARRAY = 8, 9
CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""struct's letter for each of GGUF's scalar types."""


@dataclass
class Tensor:
    name: bytes
    shape: tuple[int, ...]
    type: int
    offset: int

    def packed(self) -> bytes:
        return (
            text(self.name)
            + struct.pack(f"<I{len(self.shape)}Q", len(self.shape), *self.shape)
            + struct.pack("<IQ", self.type, self.offset)
        )


@dataclass
class Pair:
    """A key, the number of its value's type, and the value as it lies in the file."""

    key: bytes
    type: int
    raw: bytes

    def packed(self) -> bytes:
        return text(self.key) + struct.pack("<I", self.type) + self.raw


@dataclass
class File:
    """`data` is what follows the header and its padding up to `alignment`."""

    pairs: list[Pair] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    data: bytes = b""
    alignment: int = 32

    def packed(self) -> bytes:
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.pairs))
        head += b"".join(pair.packed() for pair in self.pairs)
        head += b"".join(tensor.packed() for tensor in self.tensors)
        return head + bytes(-len(head) % self.alignment) + self.data


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def scalar(kind: int, value: object) -> bytes:
    return struct.pack("<" + CODES[kind], value)


def array(kind: int, items: Sequence[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def taken_apart(path: Path) -> File:
    """A whole and valid file."""
    whole = path.read_bytes()
    at = 24
    tensor_count, pair_count = struct.unpack_from("<QQ", whole, 8)

    def take(code: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from("<" + code, whole, at)
        at += struct.calcsize("<" + code)
        return int(value)

    def take_text() -> bytes:
        nonlocal at
        length = take("Q")
        at += length
        return whole[at - length : at]

    def skip(kind: int) -> None:
        nonlocal at
        if kind == STRING:
            take_text()
        elif kind == ARRAY:
            inner, count = take("I"), take("Q")
            for _ in range(count):
                skip(inner)
        else:
            at += struct.calcsize("<" + CODES[kind])

    pairs, tensors = [], []
    for _ in range(pair_count):
        key, kind = take_text(), take("I")
        start = at
        skip(kind)
        pairs.append(Pair(key, kind, whole[start:at]))
    for _ in range(tensor_count):
        name = take_text()
        shape = tuple(take("Q") for _ in range(take("I")))
        tensors.append(Tensor(name, shape, take("I"), take("Q")))
    return File(pairs, tensors, whole[-(-at // 32) * 32 :])
