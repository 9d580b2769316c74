"""The plan of a catalogue entry without any file: by its recorded shape and the size of one of its
quantizations. Needs no llama.cpp and no network.

Which types the matrices of a quantization have follows llama-quantize's mixtures
(`llama_tensor_get_type` of llama.cpp), as far as repacked copies depend on it.
"""

from dataclasses import dataclass

from runner.catalog import Entry, Quantization, Recurrent, Shape
from runner.fit.header import BYTES_PER_WORD
from runner.fit.here import Here
from runner.fit.memory import (
    CPU,
    KV_BYTES,
    Layer,
    buffers_of,
    compute_bytes,
    held_bytes,
    mask_bytes,
    own_bytes,
    rounded,
    work_bytes,
)
from runner.fit.plans import COMFORTABLE_CONTEXT, Plan
from runner.fit.weights import INPUT, Part, Weights, repacked_types
from runner.fit.wishes import SEQUENCES, Wishes
from runner.gguf import TENSOR_TYPES

CONTEXT = 4096
"""Taken where the catalogue records none."""

KERNEL, SHORT_KERNEL = 4, 3
"""Positions that a convolution sees: of mamba2 and deltanet layers, and of LFM2's short ones."""

BYTES = {name: size / elements for name, elements, size in TENSOR_TYPES.values()}


def shape_plan(
    entry: Entry, quantization: Quantization, wishes: Wishes, machine: Here
) -> Plan | None:
    """How a quantization of that entry would run here; None where the catalogue records no shape
    or no size of it."""
    shape, size = entry.shape, quantization.bytes
    if shape is None or size is None:
        return None
    layers = _layers(shape, entry.recurrent, wishes.kv_type or "f16", wishes.tokens_at_once)
    feed_forward = max(shape.ffn * (shape.experts_used or 1), shape.shared_ffn or 0)
    vocabulary = shape.vocabulary
    buffers = buffers_of(
        layers,
        compute=compute_bytes(shape.hidden, feed_forward, wishes.tokens_at_once),
        mask=mask_bytes(
            shape.heads if wishes.flash_attention == "off" else None, wishes.tokens_at_once
        ),
        outputs=4 * vocabulary * SEQUENCES,
        held=held_bytes(vocabulary, vocabulary)
        + work_bytes(max(shape.hidden, shape.ffn), wishes.tokens_at_once)
        + own_bytes(vocabulary),
    )
    return Plan(
        weights=_weights(shape, size, quantization.name, machine),
        layers=tuple(layers),
        buffers=buffers,
        trained=entry.context or CONTEXT,
        wishes=wishes,
        here=machine,
        reserve=int(buffers.compute_at(wishes.context or COMFORTABLE_CONTEXT)[CPU]),
        by="catalogue",
    )


def _layers(shape: Shape, recurrent: Recurrent | None, kv_type: str, batch: int) -> list[Layer]:
    """The catalogue says how many layers cache what, not which: each is an average one."""
    element = KV_BYTES[kv_type] / KV_BYTES["f16"]
    window = rounded((shape.sliding_window or 0) * SEQUENCES + batch)
    fixed = shape.sliding_bytes_per_cell * element * window
    if recurrent is not None:
        fixed += SEQUENCES * recurrent.layers * _state_bytes(recurrent, shape)
    count = shape.layers
    return [Layer(shape.kv_bytes_per_token * element / count, int(fixed / count))] * count


def _state_bytes(recurrent: Recurrent, shape: Shape) -> int:
    """Convolution and state of one layer for one sequence, in F32."""
    if recurrent.kind == "convolution":
        return 4 * (SHORT_KERNEL - 1) * shape.hidden
    heads, size = recurrent.heads or 0, recurrent.head_dim or 0
    if recurrent.kind == "deltanet":
        inner, state, groups = (recurrent.value_heads or heads) * size, size, heads
    else:
        inner, state, groups = heads * size, recurrent.state or 0, recurrent.groups or 1
    return 4 * ((KERNEL - 1) * (inner + 2 * groups * state) + state * inner)


@dataclass(frozen=True, slots=True)
class _Mixture:
    """Types of a quantization's matrices: most of them, the words, the output; and of the layers,
    how many have two matrices (`attn_v`, `ffn_down`) of a finer type."""

    most: str
    words: str
    output: str
    finer_layers: int


def _mixture(name: str, shape: Shape) -> _Mixture:
    plain = name.upper().removeprefix("UD-")
    known = sorted((kind for kind in BYTES if plain.startswith(kind)), key=len)
    most = known[-1] if known else plain
    whole = most in ("F32", "F16", "BF16", "Q8_0")
    output = most if whole else "Q6_K"
    words = output if shape.tied_embeddings else most
    ending = plain.removeprefix(most)
    finer = {"_M": shape.layers // 2, "_S": shape.layers // 8, "_L": shape.layers // 2}
    return _Mixture(most, words, output, finer.get(ending, 0))


def _weights(shape: Shape, size: int, name: str, machine: Here) -> Weights:
    """One part of each layer that is repacked and one that is not, as they would follow each other
    in the file."""
    mixture = _mixture(name, shape)
    words = int(shape.vocabulary * shape.hidden * BYTES.get(mixture.words, 2.0))
    output = int(shape.vocabulary * shape.hidden * BYTES.get(mixture.output, 2.0))
    header = min(shape.vocabulary * BYTES_PER_WORD, size // 20)
    tied = shape.tied_embeddings
    rest = max(0, size - header - words - (0 if tied else output))
    layer = rest // shape.layers
    rows = repacked_types(machine.sets)
    parts, at = [Part(INPUT, words, 0, header)], header + words
    for number in range(shape.layers):
        repacked = 0
        if mixture.most in rows:
            finer = number >= shape.layers - mixture.finer_layers
            repacked = min(layer, int(_matrices(shape, finer) * BYTES[mixture.most]))
        parts.append(Part(number, repacked, 0, at, repacked=True))
        parts.append(Part(number, layer - repacked, 0, at + repacked))
        at += layer
    parts.append(Part(shape.layers, output, 0, at, mixture.output in rows, copy=tied))
    return Weights(tuple(parts), shape.layers)


def _matrices(shape: Shape, finer: bool) -> float:
    """Elements of a layer's matrices of the quantization's main type."""
    if shape.experts:  # nearly all of such a layer
        return 3 * shape.hidden * shape.ffn * shape.experts
    width, attention = shape.hidden, shape.head_dim * shape.heads
    keys = shape.head_dim * shape.kv_heads
    all_of_them = 2 * width * attention + 2 * width * keys + 3 * width * shape.ffn
    return all_of_them - (width * (keys + shape.ffn) if finer else 0)
