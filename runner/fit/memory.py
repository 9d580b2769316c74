"""How much memory a model takes, by arithmetic from its header.

The formulas are those of llama.cpp's own caches and buffers. They are an estimate, close enough to
choose a context by; what a loaded model really takes llama.cpp alone knows.
"""

from dataclasses import dataclass
from typing import Any

from runner.gguf import Header

KV_BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32,
            "q4_1": 20 / 32, "q4_0": 18 / 32}  # fmt: skip
"""Bytes per element of the KV cache by type: a block of 32 with its scale."""

CELLS = 256
"""llama.cpp rounds the cells of a cache up to a multiple of this."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes a model keeps in memory while it runs.

    `kv_per_token` counts layers that keep every position, and `kv_fixed` what does not grow with
    the context (sliding windows, recurrent states). Weights count once: where llama.cpp copies
    them into another layout for the processor, it does not touch the mapped file's pages again.
    """

    weights: int
    kv_per_token: float
    kv_fixed: int
    compute: int
    mask_per_token: int
    """What the compute buffer grows by: a row of the attention mask for each token of a batch."""

    @property
    def per_token(self) -> float:
        """Bytes that one more token of context costs."""
        return self.kv_per_token + self.mask_per_token

    def total(self, context: int) -> int:
        """Bytes with a context of that many tokens."""
        cells = -(-context // CELLS) * CELLS
        fixed = self.weights + self.kv_fixed + self.compute
        return fixed + int(cells * self.per_token)

    def largest_context(self, bytes_available: int) -> int:
        """Tokens of context that fit, a multiple of 256; 0 where even the weights do not."""
        left = bytes_available - self.total(0)
        if left <= 0:
            return 0
        return int(left / self.per_token) // CELLS * CELLS


def footprint(
    header: Header, *, kv_type: str = "f16", batch: int = 512, sequences: int = 1
) -> Footprint:
    """The footprint of the model with this header, on a CPU, reading `batch` tokens at a time.

    `sequences` share what full attention keeps; each has windows and recurrent states of its own.
    """
    kept, windowed = _kv_elements(header)
    element = KV_BYTES[kv_type]
    window = _integer(header, "attention.sliding_window")
    window_cells = -(-(window * sequences + batch) // CELLS) * CELLS
    recurrent = _recurrent_bytes(header) * sequences
    return Footprint(
        weights=header.weight_bytes,
        kv_per_token=kept * element,
        kv_fixed=int(windowed * element * window_cells) + recurrent,
        compute=_compute_bytes(header, batch),
        mask_per_token=4 * batch,
    )


def _integer(header: Header, key: str, default: int = 0) -> int:
    value = header.of_architecture(key)
    if isinstance(value, list):
        value = max(value, default=default)
    return int(value) if value is not None else default


def _per_layer(value: Any, layers: int, default: int) -> list[int]:
    """Per-layer values, which a header gives as one number or as a list."""
    if isinstance(value, list):
        return [int(v) for v in value[:layers]] + [default] * (layers - len(value))
    return [int(value) if value is not None else default] * layers


def _kv_elements(header: Header) -> tuple[int, int]:
    """Elements per position of K and V: (layers that keep all positions, sliding-window ones)."""
    layers = _integer(header, "block_count")
    heads = _integer(header, "attention.head_count", 1)
    kv_heads = _per_layer(header.of_architecture("attention.head_count_kv"), layers, heads)
    size = _integer(header, "embedding_length") // max(heads, 1)
    key = _integer(header, "attention.key_length", size)
    value = _integer(header, "attention.value_length", size)
    rank = _integer(header, "attention.kv_lora_rank")
    if rank and header.of_architecture("attention.key_length_mla") is not None:
        # Latent attention keeps one compressed vector and the rotary part, no V (deepseek2).
        return layers * (rank + _integer(header, "rope.dimension_count")), 0
    attention = _attention_layers(header)
    kept = windowed = 0
    for layer in range(layers):
        if layer not in attention:
            continue
        elements = kv_heads[layer] * (key + value)
        if _slides(header, layer):
            windowed += elements
        else:
            kept += elements
    return kept, windowed


def _attention_layers(header: Header) -> set[int]:
    """Layers with a KV cache. Hybrids name the joint projection of a recurrent layer `attn_qkv`
    too, beside its convolution."""
    with_key, with_joint, recurrent = set(), set(), set()
    for tensor in header.tensors:
        if not tensor.name.startswith("blk."):
            continue
        _, layer, rest = tensor.name.split(".", 2)
        if rest.startswith(("attn_k.", "attn_kv_a")):
            with_key.add(int(layer))
        elif rest.startswith("attn_qkv."):
            with_joint.add(int(layer))
        elif rest.startswith("ssm_conv1d"):
            recurrent.add(int(layer))
    return with_key | (with_joint - recurrent)


def _slides(header: Header, layer: int) -> bool:
    """Whether a layer sees only a sliding window. The pattern is a list of layers or a period,
    whose last layer sees everything; gemma3's period of 6 is not written in its files."""
    if not _integer(header, "attention.sliding_window"):
        return False
    pattern = header.of_architecture("attention.sliding_window_pattern")
    if isinstance(pattern, list):
        return bool(pattern[layer]) if layer < len(pattern) else False
    period = (
        int(pattern)
        if pattern
        else {"gemma3": 6, "gpt-oss": 2, "gemma2": 2}.get(header.architecture, 0)
    )
    return period > 0 and (layer + 1) % period != 0


def _recurrent_bytes(header: Header) -> int:
    """Convolution and state of recurrent layers, in F32, for one sequence."""
    inner, state = _integer(header, "ssm.inner_size"), _integer(header, "ssm.state_size")
    if not inner:
        return 0
    kernel, groups = _integer(header, "ssm.conv_kernel"), _integer(header, "ssm.group_count")
    layers = sum(1 for t in header.tensors if t.name.endswith(".ssm_conv1d.weight"))
    one = max(kernel - 1, 0) * (inner + 2 * groups * state) + state * inner
    return 4 * layers * one


def _compute_bytes(header: Header, batch: int) -> int:
    """Activations of one batch with a single row of logits: 68 MiB measured for a 1.5B model with
    151 936 words, of which this gives the larger part; the rest is a constant allowance."""
    width = _integer(header, "embedding_length")
    feed_forward = _integer(header, "feed_forward_length")
    return 4 * batch * (2 * feed_forward + 4 * width) + 32 * 2**20
