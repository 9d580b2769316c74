"""A small encoder with random weights, as embedding models are built: written by the reference
writer."""

from pathlib import Path

import gguf
import numpy as np

WORDS = ["the", "cat", "dog", "sat", "ran", "on", "mat", "far", "##s", "##ning", ".", ",", "a"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NUMBERS = {"padding": 0, "unknown": 1, "bos": 2, "seperator": 3, "mask": 4}
"""GGUF's names of the special ones, CLS by that of what begins a text."""
WIDTH, INNER, LAYERS, CONTEXT = 32, 64, 2, 64


def write_bert(path: Path, *, pooling: int | None = 2, without: str = "") -> Path:
    """`pooling` is GGUF's number: 1 for the mean, 2 for the first token, 3 the last, 4 ranking.
    `without` leaves out the token of that name."""
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    if pooling is not None:
        writer.add_pooling_type(gguf.PoolingType(pooling))
    writer.add_token_type_count(2)
    # Words begin with ▁ in a GGUF, and what continues one has lost its ##.
    words = [word.removeprefix("##") if word.startswith("##") else f"▁{word}" for word in WORDS]
    writer.add_tokenizer_model("bert")
    writer.add_token_list([*SPECIAL, *words])
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control] * len(SPECIAL) + [normal] * len(words))
    for name, number in NUMBERS.items():
        if name != without:
            writer.add_uint32(f"tokenizer.ggml.{name}_token_id", number)
    _add_weights(writer, len(SPECIAL) + len(words))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_weights(writer: gguf.GGUFWriter, vocabulary: int) -> None:
    draw = np.random.default_rng(7)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, draw.normal(0, 0.3, shape).astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
        add(f"{name}.bias", WIDTH)

    add("token_embd.weight", vocabulary, WIDTH)
    add("token_types.weight", 2, WIDTH)
    add("position_embd.weight", CONTEXT, WIDTH)
    add_norm("token_embd_norm")
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", WIDTH, WIDTH)
            add(f"blk.{layer}.{name}.bias", WIDTH)
        add_norm(f"blk.{layer}.attn_output_norm")
        add(f"blk.{layer}.ffn_up.weight", INNER, WIDTH)
        add(f"blk.{layer}.ffn_up.bias", INNER)
        add(f"blk.{layer}.ffn_down.weight", WIDTH, INNER)
        add(f"blk.{layer}.ffn_down.bias", WIDTH)
        add_norm(f"blk.{layer}.layer_output_norm")
