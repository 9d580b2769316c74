"""The facts of a model's header that memory and work are computed from."""

import re
from typing import Any

from runner.gguf import Header

EXPERTS = re.compile(r"\.ffn_(up|down|gate|gate_up)_(ch|)exps")
"""In the name of a tensor that holds the matrices of a layer's experts."""

BYTES_PER_WORD = 40
"""Of a file, what each word of its vocabulary takes in the header."""


def integer(header: Header, key: str, default: int = 0) -> int:
    """The number that the model has under a key of its architecture; of a list the largest."""
    value = header.of_architecture(key)
    if isinstance(value, list):
        value = max(value, default=default)
    return int(value) if value is not None else default


def length(value: Any) -> int:
    """Of an array, of which a header keeps the length alone where it is long."""
    return len(value) if isinstance(value, list) else int(value or 0)


def per_layer(value: Any, layers: int, default: int) -> list[int]:
    """Per-layer values, which a header gives as one number or as a list."""
    if isinstance(value, list):
        return [int(v) for v in value[:layers]] + [default] * (layers - len(value))
    return [int(value) if value is not None else default] * layers


def words_of(header: Header) -> int:
    """The size of its vocabulary."""
    return length(header.metadata.get("tokenizer.ggml.tokens"))


def widest(header: Header) -> int:
    """Columns of the widest matrix of a layer."""
    matrices = [t.shape for t in header.tensors if t.name.startswith("blk.") and len(t.shape) > 1]
    return max((shape[0] for shape in matrices), default=0)


def attention_layers(header: Header) -> set[int]:
    """Layers with a KV cache. Hybrids name the joint projection of a recurrent layer `attn_qkv`
    too, beside its convolution."""
    with_key, with_joint = set(), set()
    for tensor in header.tensors:
        if not tensor.name.startswith("blk."):
            continue
        _, layer, rest = tensor.name.split(".", 2)
        if rest.startswith(("attn_k.", "attn_kv_a")):
            with_key.add(int(layer))
        elif rest.startswith("attn_qkv."):
            with_joint.add(int(layer))
    return with_key | (with_joint - recurrent_layers(header))


def recurrent_layers(header: Header) -> set[int]:
    """Layers whose state does not grow with the context: convolutions and recurrences."""
    return {
        int(tensor.name.split(".", 2)[1])
        for tensor in header.tensors
        if tensor.name.startswith("blk.")
        and (".ssm_conv1d" in tensor.name or ".shortconv.conv" in tensor.name)
    }


def slides(header: Header, layer: int) -> bool:
    """Whether a layer sees only a sliding window. The pattern is a list of layers or a period,
    whose last layer sees everything; gemma3's period of 6 is not written in its files."""
    if not integer(header, "attention.sliding_window"):
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
