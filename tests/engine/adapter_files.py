"""LoRA files and control vectors for the shipped model, written by the reference writer; and the
model with a LoRA merged into its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from runner.gguf import read_header

Pair = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""A (rank × in) and B (out × rank): a weight grows by alpha / rank · B·A."""

RANK = 4
WIDTH = 192
LAYERS = 5
VOCABULARY = 654
QUERY = "blk.0.attn_q.weight"
DOWN = "blk.3.ffn_down.weight"
OUTPUT = "output.weight"
EMBEDDING = "token_embd.weight"


def pair(inner: int = WIDTH, outer: int = WIDTH, *, seed: int = 0, rank: int = RANK) -> Pair:
    draw = np.random.default_rng(seed)
    a = draw.normal(0, 0.1, (rank, inner)).astype(np.float32)
    return a, draw.normal(0, 0.1, (outer, rank)).astype(np.float32)


def write_lora(
    path: Path, pairs: Mapping[str, Pair], *, alpha: float | None = 8.0, **other: Any
) -> Path:
    """`other` replaces what the header says: `architecture`, `kind`, `form`, `metadata` (values of
    further keys, as numbers of the type that the writer's `add_key_value` names)."""
    writer = gguf.GGUFWriter(path, other.get("architecture", "llama"))
    writer.add_string("general.type", other.get("kind", "adapter"))
    writer.add_string("adapter.type", other.get("form", "lora"))
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    for key, (value, kind) in other.get("metadata", {}).items():
        writer.add_key_value(key, value, kind)
    for name, (a, b) in pairs.items():
        writer.add_tensor(f"{name}.lora_a", a)
        writer.add_tensor(f"{name}.lora_b", b)
    return _written(writer, path)


def write_vector(path: Path, directions: Mapping[int, npt.NDArray[Any]]) -> Path:
    writer = gguf.GGUFWriter(path, "controlvector")
    for layer, direction in directions.items():
        writer.add_tensor(f"direction.{layer}", direction)
    return _written(writer, path)


def _written(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def merged(model: Path, path: Path, grown: Mapping[str, npt.NDArray[np.float32]]) -> Path:
    """The F32 `model` with weights grown by these matrices, out × in."""
    header = read_header(model)
    data = bytearray(model.read_bytes())
    for tensor in header.tensors:
        if tensor.name in grown:
            start = header.data_offset + tensor.offset
            weight = np.frombuffer(data, "<f4", tensor.shape[0] * tensor.shape[1], start)
            delta = grown[tensor.name].astype(np.float64)
            data[start : start + weight.nbytes] = (weight + delta.ravel()).astype("<f4").tobytes()
    path.write_bytes(data)
    return path
