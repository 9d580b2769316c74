"""GGUF files of a model's exact shape and length that hold a header and no weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

TYPE = gguf.GGMLQuantizationType


@dataclass(frozen=True)
class Vocabulary:
    """The tokens and merges of a byte-pair tokenizer."""

    tokens: Sequence[str]
    merges: Sequence[str]
    pre: str = "default"


@dataclass(frozen=True)
class Dimensions:
    """A llama of this many layers, and of these widths."""

    layers: int = 2
    hidden: int = 256
    heads: int = 4
    kv_heads: int = 2
    ffn: int = 512
    context: int = 4096

    @property
    def head_dim(self) -> int:
        return self.hidden // self.heads


def made_up_vocabulary(tokens: int = 6000) -> Vocabulary:
    """One that takes more room than what is read of a further file's beginning."""
    texts = [f"token-number-{number}" for number in range(tokens)]
    return Vocabulary(texts, [f"t{number} o{number}" for number in range(tokens)])


def write_header_file(
    path: Path,
    kind: str,
    vocabulary: Vocabulary,
    dimensions: Dimensions,
    *,
    remarks: Sequence[str] = (),
) -> Path:
    """Write the header of a llama whose matrices are of the type `kind` ("Q4_K"), and stretch the
    file to its true length. As converters do, what was never quantized names its type before the
    vocabulary, and what was, behind it; there stand the `remarks` too."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("a model")
    writer.add_context_length(dimensions.context)
    writer.add_embedding_length(dimensions.hidden)
    writer.add_block_count(dimensions.layers)
    writer.add_feed_forward_length(dimensions.ffn)
    writer.add_head_count(dimensions.heads)
    writer.add_head_count_kv(dimensions.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    if kind == "F16":
        writer.add_file_type(1)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types([int(gguf.TokenType.NORMAL)] * len(vocabulary.tokens))
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if kind != "F16":
        writer.add_file_type(15)
    for number, remark in enumerate(remarks):
        writer.add_string(f"quantize.remark.{number}", remark)
    for name, shape in tensor_shapes(dimensions, len(vocabulary.tokens)):
        type_ = TYPE.F32 if len(shape) == 1 else TYPE[kind]
        block, block_bytes = gguf.GGML_QUANT_SIZES[type_]
        size = int(np.prod(shape)) // block * block_bytes
        writer.add_tensor_info(name, shape, np.dtype(np.float32), size, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    assert writer.fout is not None
    at = writer.fout[0].tell()
    writer.close()
    alignment = 32
    at = -(-at // alignment) * alignment
    for info in writer.tensors[0].values():
        at += -(-info.nbytes // alignment) * alignment
    with path.open("r+b") as file:
        file.truncate(at)
    return path


def tensor_shapes(dimensions: Dimensions, tokens: int) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, outermost first, of a llama's tensors."""
    hidden, ffn = dimensions.hidden, dimensions.ffn
    kv = dimensions.kv_heads * dimensions.head_dim
    found: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd.weight", (tokens, hidden)),
        ("output.weight", (tokens, hidden)),
        ("output_norm.weight", (hidden,)),
    ]
    for layer in range(dimensions.layers):
        block = f"blk.{layer}."
        found += [
            (f"{block}attn_norm.weight", (hidden,)),
            (f"{block}ffn_norm.weight", (hidden,)),
            (f"{block}attn_q.weight", (hidden, hidden)),
            (f"{block}attn_k.weight", (kv, hidden)),
            (f"{block}attn_v.weight", (kv, hidden)),
            (f"{block}attn_output.weight", (hidden, hidden)),
            (f"{block}ffn_gate.weight", (ffn, hidden)),
            (f"{block}ffn_up.weight", (ffn, hidden)),
            (f"{block}ffn_down.weight", (hidden, ffn)),
        ]
    return found
