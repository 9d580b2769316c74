"""What a token costs a model: the weights that are read and the operations that are computed for
it, matrix by matrix, from a header, or roughly from a catalogue entry's shape."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runner.catalog import Quantization, Shape
from runner.fit.header import (
    BYTES_PER_WORD,
    EXPERTS,
    attention_layers,
    integer,
    per_layer,
    slides,
)
from runner.gguf import TENSOR_TYPES, Header, Tensor

LOOKED_UP = ("token_embd.", "per_layer_token_embd.", "position_embd.", "token_types.")
"""Tables of which a token reads one row."""

BITS = {name: 8 * size / block for name, block, size in TENSOR_TYPES.values()}
"""Of one weight, by type."""

MIXES: Mapping[str, tuple[str, str, float]] = {
    "Q2_K": ("Q2_K", "Q3_K", 0.35), "Q2_K_S": ("Q2_K", "Q3_K", 0.1),
    "Q3_K_S": ("Q3_K", "Q3_K", 0), "Q3_K_M": ("Q3_K", "Q5_K", 0.25),
    "Q3_K_L": ("Q3_K", "Q5_K", 0.45), "Q4_K_S": ("Q4_K", "Q5_K", 0.06),
    "Q4_K_M": ("Q4_K", "Q6_K", 0.16), "Q5_K_S": ("Q5_K", "Q5_K", 0),
    "Q5_K_M": ("Q5_K", "Q6_K", 0.16), "IQ3_XS": ("IQ3_XXS", "IQ3_S", 0.5),
    "IQ3_M": ("IQ3_S", "Q4_K", 0.15), "IQ2_M": ("IQ2_S", "IQ3_S", 0.2),
}  # fmt: skip
"""The two types that llama.cpp mixes in a layer by the name of the quantization, and the usual
share of the second; other names are those of the one type."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Weights that every token is multiplied by: `layer` counts the output as one more.

    `bytes` are those read for one token, and `operations` those computed for it; of experts, those
    of the ones used.
    """

    layer: int
    type: str
    bytes: float
    operations: float
    experts: bool = False


@dataclass(frozen=True, slots=True)
class Attention:
    """What a layer's attention costs: `operations` for each position that is looked back at;
    `window` is how far it looks, None for all the way."""

    operations: float
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """Of one token. `attention` is by layer; layers that have none are left out."""

    layers: int
    matrices: tuple[Matrix, ...]
    attention: Mapping[int, Attention]


def seen(attention: Attention, depth: float) -> float:
    """Positions that a token at that depth looks back at."""
    return depth if attention.window is None else min(depth, attention.window)


def work_of(header: Header) -> Work:
    """The work of the model with that (whole) header."""
    layers = integer(header, "block_count") - integer(header, "nextn_predict_layers")
    tied = not any(tensor.name == "output.weight" for tensor in header.tensors)
    used = integer(header, "expert_used_count") / max(integer(header, "expert_count"), 1)
    matrices = []
    for tensor in header.tensors:
        place = _layer(tensor, layers, tied=tied)
        if place is None or len(tensor.shape) < 2:
            continue
        experts = EXPERTS.search(tensor.name) is not None
        share = used if experts else 1.0
        operations = 2.0 * _elements(tensor) * share
        matrix = Matrix(place, tensor.type, (tensor.bytes or 0) * share, operations, experts)
        matrices.append(matrix)
    return Work(layers, tuple(matrices), _attention(header, layers))


def _layer(tensor: Tensor, layers: int, *, tied: bool) -> int | None:
    """The layer whose work a tensor is; None where it is only looked up or never used."""
    if match := re.match(r"blk\.(\d+)\.", tensor.name):
        return int(match[1]) if int(match[1]) < layers else None
    if tensor.name == "token_embd.weight":
        return layers if tied else None
    return None if tensor.name.startswith(LOOKED_UP) else layers


def _attention(header: Header, layers: int) -> dict[int, Attention]:
    most = integer(header, "attention.head_count", 1)
    heads = per_layer(header.of_architecture("attention.head_count"), layers, most)
    size = integer(header, "embedding_length") // max(most, 1)
    key = integer(header, "attention.key_length", size)
    value = integer(header, "attention.value_length", size)
    rank = integer(header, "attention.kv_lora_rank")
    latent = rank and header.of_architecture("attention.key_length_mla") is not None
    window = integer(header, "attention.sliding_window")
    found = {}
    for layer in sorted(attention_layers(header)):
        if layer >= layers:
            continue
        if latent:  # one vector for all heads: the compressed one and its rotary part
            rope = integer(header, "rope.dimension_count")
            found[layer] = Attention(2.0 * heads[layer] * (2 * rank + rope))
            continue
        reach = window if slides(header, layer) else None
        found[layer] = Attention(2.0 * heads[layer] * (key + value), reach)
    return found


def _elements(tensor: Tensor) -> int:
    count = 1
    for extent in tensor.shape:
        count *= extent
    return count


def work_of_shape(shape: Shape, quantization: Quantization) -> Work:
    """The same without a file, from what the catalogue says: an approximation, which takes all
    layers to be alike. Where the size of the file is known, it tells how much of which type of
    weights a mixed quantization has."""
    dense, experts = _layer_weights(shape)
    output = shape.hidden * shape.vocabulary
    kind, other, share = _mix(quantization.name.upper())
    of_output = kind if BITS[kind] > BITS["Q6_K"] else "Q6_K"
    if quantization.bytes and kind != other:
        tables = output * (BITS[of_output] + (0 if shape.tied_embeddings else BITS[kind])) / 8
        weights = shape.layers * (dense + experts * (shape.experts or 1))
        words = shape.vocabulary * BYTES_PER_WORD
        bits = 8 * (quantization.bytes - tables - words) / weights
        share = min(max((bits - BITS[kind]) / (BITS[other] - BITS[kind]), 0.0), 1.0)
    used = experts * (shape.experts_used or 1)
    parts = [(dense, False), (used, True)]
    types = [(kind, 1 - share), (other, share)]
    matrices = [
        _matrix(layer, name, weights * part, experts=are_experts)
        for layer in range(shape.layers)
        for weights, are_experts in parts
        for name, part in types
        if weights * part
    ]
    matrices.append(_matrix(shape.layers, of_output, output))
    return Work(shape.layers, tuple(matrices), _shape_attention(shape))


def _matrix(layer: int, kind: str, weights: float, *, experts: bool = False) -> Matrix:
    return Matrix(layer, kind, weights * BITS[kind] / 8, 2.0 * weights, experts)


def _mix(quantization: str) -> tuple[str, str, float]:
    """Of a name that is not of llama.cpp's, such as UD-Q4_K_XL, the type that it contains."""
    if quantization in MIXES:
        return MIXES[quantization]
    named = [kind for kind in BITS if kind in quantization] or [nearest(quantization, BITS)]
    kind = max(named, key=len)
    return kind, kind, 0.0


def _layer_weights(shape: Shape) -> tuple[int, int]:
    """Weights in the matrices of a layer that every token uses, and of one of its experts."""
    attention = 2 * shape.hidden * shape.head_dim * (shape.heads + shape.kv_heads)
    feed_forward = 3 * shape.hidden * shape.ffn
    return (attention, feed_forward) if shape.experts else (attention + feed_forward, 0)


def _shape_attention(shape: Shape) -> dict[int, Attention]:
    """The sliding layers first: which they are does not matter where all layers are together."""
    growing = shape.layers if shape.growing_layers is None else shape.growing_layers
    size = shape.growing_head_dim or shape.head_dim
    kinds = [(shape.head_dim, shape.sliding_window)] * shape.sliding_layers
    kinds += [(size, None)] * (growing + shape.shared_layers)
    return {
        layer: Attention(4.0 * shape.heads * head, window)
        for layer, (head, window) in enumerate(kinds[: shape.layers])
    }


def nearest(kind: str, among: Iterable[str]) -> str:
    """The type of those `among` that has the most similar number of bits. A name that is no type's
    is read by its first digit."""
    if kind in (names := list(among)):
        return kind
    digit = re.search(r"\d+", kind)
    bits = BITS.get(kind) or (float(digit[0]) + 0.5 if digit else 4.5)
    return min(names, key=lambda name: abs(BITS[name] - bits))
