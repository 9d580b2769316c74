"""How much memory a model takes: what counts as its memory, and the arithmetic from its header.

The formulas are those of llama.cpp's own caches and buffers. `runner.fit.planning` has llama.cpp
itself plan instead, where there is a file and half a second; where there is not, these are close.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from runner.fit.header import (
    attention_layers,
    integer,
    length,
    per_layer,
    recurrent_layers,
    slides,
    widest,
    words_of,
)
from runner.fit.wishes import BATCH
from runner.gguf import Header

KV_BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32,
            "q4_1": 20 / 32, "q4_0": 18 / 32}  # fmt: skip
"""Bytes per element of the KV cache by type: a block of 32 with its scale."""

CELLS = 256
"""llama.cpp rounds the cells of a cache up to a multiple of this."""

GUESSES = 12
"""Tokens guessed ahead at once, each of which has its row of logits."""

CPU = "CPU"
"""llama.cpp's name for what computes in this machine's own memory."""

WORD_BYTES, MERGE_BYTES, TABLE_BYTES = 190, 125, 3 * 2**20
"""What a load keeps besides weights: tables of the words and of the merges of a vocabulary, by the
piece, and all else. Measured with vocabularies of 32 000 to 152 000 words."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a Runner process with a model has beyond one without, when the context is full.

    `private` is anonymous memory: weights copied into the processor's own layout ("repacked"), KV
    cache and recurrent states, buffers for a batch, vocabulary and tables (on Linux
    `Anonymous` of /proc/PID/smaps_rollup). `file_backed` are the pages of the mapped model file,
    all of which a load reads (`Rss` of that mapping in smaps): the kernel may drop any of them and
    reads them again when they are needed. Of those, `read_once` hold weights that were repacked or
    went to a device: after the load nothing looks at them any more, and they cost nothing once
    dropped. `devices` has the bytes on each GPU or worker.
    """

    private: int
    file_backed: int
    devices: dict[str, int] = field(default_factory=dict)
    read_once: int = 0

    @property
    def needed(self) -> int:
        """What has to stay in this machine's main memory for the model to run at its speed."""
        return self.private + self.file_backed - self.read_once


@dataclass(frozen=True, slots=True)
class Layer:
    """The KV cache of one layer: bytes for each token of context, and what does not grow with it
    (sliding windows, recurrent states)."""

    per_token: float = 0.0
    fixed: int = 0

    def bytes(self, context: int) -> float:
        return self.per_token * rounded(context) + self.fixed


@dataclass(frozen=True, slots=True)
class Buffers:
    """What a context takes besides weights, in bytes, at some `contexts` (whole cells, ascending);
    between two of them it grows evenly.

    `caches` holds KV and recurrent states wherever they are, `compute` the buffers of a batch on
    each device, `outputs` rows of logits, `held` what a load keeps: vocabulary and tables.
    """

    contexts: tuple[int, ...]
    caches: tuple[int, ...]
    compute: tuple[dict[str, int], ...]
    outputs: int
    held: int

    def caches_at(self, context: int) -> float:
        return self._between(context, self.caches)

    def compute_at(self, context: int) -> dict[str, float]:
        """By device."""
        names = {name for at in self.compute for name in at}
        return {
            name: self._between(context, tuple(at.get(name, 0) for at in self.compute))
            for name in names
        }

    def _between(self, context: int, values: tuple[int, ...]) -> float:
        cells = rounded(context)
        if len(values) == 1:
            return float(values[0])
        points = list(zip(self.contexts, values, strict=True))
        for (x, low), (end, high) in pairwise(points):
            if cells <= end or end == points[-1][0]:
                # Below the first and beyond the last the nearest stretch goes on; never below 0.
                return max(0.0, low + (high - low) * (cells - x) / (end - x))
        raise AssertionError("a plan has at least one point")


def rounded(context: int) -> int:
    """The cells that llama.cpp makes for a context of that many tokens."""
    return -(-context // CELLS) * CELLS


def cache_layers(
    header: Header, *, kv_type: str = "f16", sequences: int = 1, batch: int = BATCH
) -> list[Layer]:
    """What each layer caches. `sequences` share what full attention keeps; each has windows and
    recurrent states of its own. A window has room for a `batch` of tokens more."""
    count = integer(header, "block_count")
    element = KV_BYTES[kv_type]
    window = integer(header, "attention.sliding_window")
    window_cells = rounded(window * sequences + batch)
    rank = integer(header, "attention.kv_lora_rank")
    if rank and header.of_architecture("attention.key_length_mla") is not None:
        # Latent attention keeps one compressed vector and the rotary part, no V (deepseek2).
        return [Layer((rank + integer(header, "rope.dimension_count")) * element)] * count
    heads = integer(header, "attention.head_count", 1)
    kv_heads = per_layer(header.of_architecture("attention.head_count_kv"), count, heads)
    size = integer(header, "embedding_length") // max(heads, 1)
    key = integer(header, "attention.key_length", size)
    value = integer(header, "attention.value_length", size)
    attention, recurrent = attention_layers(header), recurrent_layers(header)
    state = _recurrent_bytes(header) * sequences
    layers = []
    for number in range(count):
        bytes_per_cell = kv_heads[number] * (key + value) * element if number in attention else 0.0
        fixed = state if number in recurrent else 0
        if slides(header, number):
            layers.append(Layer(0.0, fixed + int(bytes_per_cell * window_cells)))
        else:
            layers.append(Layer(bytes_per_cell, fixed))
    return layers


def formula_buffers(
    header: Header,
    layers: list[Layer],
    *,
    flash_attention: bool = True,
    outputs: int = 1,
    batch: int = BATCH,
) -> Buffers:
    """The buffers on a CPU by arithmetic, where `batch` tokens are computed at once and the logits
    of `outputs` of them are kept."""
    words, merges = words_of(header), length(header.metadata.get("tokenizer.ggml.merges"))
    heads = integer(header, "attention.head_count", 1)
    return buffers_of(
        layers,
        compute=_compute_bytes(header, batch),
        mask=mask_bytes(None if flash_attention else heads, batch),
        outputs=4 * words * outputs,
        held=held_bytes(words, merges) + work_bytes(widest(header), batch) + own_bytes(words),
    )


def buffers_of(layers: list[Layer], *, compute: int, mask: int, outputs: int, held: int) -> Buffers:
    """Buffers that grow evenly with the context: `compute` bytes, and `mask` for each token."""
    ends = (0, 2**20)
    caches = tuple(int(sum(layer.bytes(end) for layer in layers)) for end in ends)
    return Buffers(ends, caches, tuple({CPU: compute + mask * end} for end in ends), outputs, held)


def mask_bytes(heads: int | None, batch: int = BATCH) -> int:
    """What the compute buffer grows by with each token of context: for each token of a batch an
    element of the mask in F16; without flash attention also scores of all `heads`, in F32."""
    return 2 * batch if heads is None else 4 * batch * (heads + 1)


def compute_bytes(width: int, feed_forward: int, batch: int = BATCH) -> int:
    """The compute buffer without the mask: activations of a batch at their widest. With logits for
    few rows the vocabulary plays no part."""
    return 4 * batch * (3 * feed_forward + 4 * width)


def work_bytes(columns: int, batch: int = BATCH) -> int:
    """The processor's own copy of a batch, quantized to Q8_K: 292 bytes for 256 elements. llama.cpp
    plans no such buffer, ggml takes it when it computes."""
    return batch * columns * 292 // 256


def own_bytes(words: int) -> int:
    """What Runner itself takes beside llama.cpp for a model under way: a thread, its batch, and a
    sampler's candidates, of 12 bytes each (`llama_token_data`)."""
    return 3 * 2**18 + 12 * words


def held_bytes(words: int, merges: int) -> int:
    """What a load keeps besides weights, by the size of the vocabulary."""
    return words * WORD_BYTES + merges * MERGE_BYTES + TABLE_BYTES


def _recurrent_bytes(header: Header) -> int:
    """Convolution and state of one recurrent layer, in F32, for one sequence."""
    if short := integer(header, "shortconv.l_cache"):
        return 4 * (short - 1) * integer(header, "embedding_length")
    inner, state = integer(header, "ssm.inner_size"), integer(header, "ssm.state_size")
    if not inner:
        return 0
    kernel, groups = integer(header, "ssm.conv_kernel"), integer(header, "ssm.group_count")
    return 4 * (max(kernel - 1, 0) * (inner + 2 * groups * state) + state * inner)


def _compute_bytes(header: Header, batch: int) -> int:
    used = max(1, integer(header, "expert_used_count"))
    expert = integer(header, "expert_feed_forward_length") * used
    feed_forward = max(integer(header, "feed_forward_length"), expert)
    return compute_bytes(integer(header, "embedding_length"), feed_forward, batch)
