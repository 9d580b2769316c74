"""Writes small models of no meaning, to measure a machine with: llama's architecture at any width
and depth, matrices of one type, no vocabulary but numbered tokens.

The weights are random: zeros save power on some GPUs, and so would be computed faster there.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from runner.gguf import MAGIC, STRING, TENSOR_TYPES

WORDS = 32
"""Tokens of the vocabulary: so few that embedding and output cost nothing."""

HEAD = 128
"""Size of an attention head, as nearly all models have it."""

ALIGNMENT = 32
POOL = 2**20
"""Bytes of random weights that are written again and again."""

SCALE = np.array([1e-4], "<f2").view(np.uint8)
SCALES = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q2_K": (80, 82),
    "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_NL": (0,), "IQ4_XS": (0,),
    "IQ3_S": (0,), "IQ3_XXS": (0,), "IQ2_S": (0,), "IQ2_XS": (0,), "IQ2_XXS": (0,), "IQ1_S": (0,),
}  # fmt: skip
"""Where a block holds its scales in F16, which random bits would make infinite or no number."""

UINT32, FLOAT32 = 4, 6
NUMBERS = {name: (number, block, size) for number, (name, block, size) in TENSOR_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Form:
    """A model to be written: the type of its matrices, and their dimensions."""

    type: str
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int

    @property
    def matrices(self) -> dict[str, tuple[int, int]]:
        """Those of a layer, as (columns, rows)."""
        width, inner, queries = self.width, self.feed_forward, self.heads * HEAD
        return {
            "attn_q": (width, queries),
            "attn_k": (width, self.kv_heads * HEAD),
            "attn_v": (width, self.kv_heads * HEAD),
            "attn_output": (queries, width),
            "ffn_gate": (width, inner),
            "ffn_up": (width, inner),
            "ffn_down": (inner, width),
        }

    @property
    def layer_elements(self) -> int:
        """Weights in the matrices of a layer."""
        return sum(columns * rows for columns, rows in self.matrices.values())

    @property
    def layer_bytes(self) -> int:
        return _bytes(self.type, self.layer_elements)


def _bytes(kind: str, elements: int) -> int:
    _, block, size = NUMBERS[kind]
    return elements // block * size


def write_model(path: Path, form: Form) -> None:
    """Write a GGUF of that form. Raises OSError."""
    tensors = list(_tensors(form))
    header = bytearray(MAGIC + struct.pack("<IQQ", 3, len(tensors), len(_metadata(form))))
    for key, value in _metadata(form).items():
        header += _string(key) + _value(value)
    offset = 0
    for name, kind, shape in tensors:
        header += _string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        header += struct.pack("<IQ", NUMBERS[kind][0], offset)
        offset += _padded(_bytes(kind, _elements(shape)))
    pools = {kind: _random_weights(kind).tobytes() for kind in {"F32", form.type}}
    with path.open("wb") as file:
        file.write(header + bytes(_padded(len(header)) - len(header)))
        for _, kind, shape in tensors:
            size = _bytes(kind, _elements(shape))
            pool = pools[kind]
            for start in range(0, size, len(pool)):
                file.write(pool[: size - start])
            file.write(bytes(_padded(size) - size))


def _metadata(form: Form) -> dict[str, str | int | float]:
    return {
        "general.architecture": "llama",
        "llama.context_length": 2**16,
        "llama.vocab_size": WORDS,
        "llama.embedding_length": form.width,
        "llama.block_count": form.layers,
        "llama.feed_forward_length": form.feed_forward,
        "llama.attention.head_count": form.heads,
        "llama.attention.head_count_kv": form.kv_heads,
        "llama.attention.key_length": HEAD,
        "llama.attention.value_length": HEAD,
        "llama.attention.layer_norm_rms_epsilon": 1e-6,
        "llama.rope.dimension_count": HEAD,
        "tokenizer.ggml.model": "no_vocab",
    }


def _tensors(form: Form) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Name, type and shape of each."""
    yield "token_embd.weight", "F32", (form.width, WORDS)
    yield "output_norm.weight", "F32", (form.width,)
    for layer in range(form.layers):
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", "F32", (form.width,)
        for name, shape in form.matrices.items():
            yield f"blk.{layer}.{name}.weight", form.type, shape


def _random_weights(kind: str) -> npt.NDArray[np.uint8]:
    """About a `POOL` of weights near zero: whole blocks, as bytes."""
    draw = np.random.default_rng(0)
    _, _, size = NUMBERS[kind]
    count = POOL // size
    if kind in ("F32", "F16", "BF16"):
        values = (draw.standard_normal(count) * 0.02).astype("<f4")
        if kind == "BF16":  # the upper half of an F32
            return values.view("<u2")[1::2].copy().view(np.uint8)
        return values.astype("<f2" if kind == "F16" else "<f4").view(np.uint8)
    blocks = draw.integers(0, 256, (count, size), np.uint8)
    for place in SCALES[kind]:
        blocks[:, place : place + 2] = SCALE
    return blocks.reshape(-1)


def _elements(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _string(value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    return struct.pack("<II", UINT32, value)
