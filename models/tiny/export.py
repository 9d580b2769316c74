"""Write a trained network as GGUF, in F32 to measure against and in Q8_0 to ship.

    python models/tiny/export.py CHECKPOINT OUTPUT

llama.cpp turns the positions of a Llama file as neighbouring pairs, and the
network turns them as halves: the rows of the query and key matrices are put in
the other order here. The gains that the network does without are ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random
from typing import Any

import gguf
import jinja2
import numpy as np
import torch
from chat import TEMPLATE
from corpus import dialogue
from network import Shape, shapes
from tokenizer import BOS, CONTROL, EOS, MARKS, Tokenizer

QUANTIZED = gguf.GGMLQuantizationType.Q8_0


def check_template(count: int = 500) -> None:
    """Stop if the Jinja template and `chat.render` disagree on any of some dialogues."""
    template = jinja2.Environment().from_string(TEMPLATE.read_text())
    rng = Random("template")
    for _ in range(count):
        one = dialogue(rng)
        shown = template.render(
            messages=one.messages,
            tools=one.tools,
            bos_token=BOS,
            eos_token=EOS,
            add_generation_prompt=True,
        )
        if shown != one.prompt():
            raise SystemExit(
                f"the template disagrees with chat.render:\n{shown!r}\n{one.prompt()!r}"
            )


def _neighbours(matrix: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    rows, columns = matrix.shape
    halves = matrix.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def tensors(weights: dict[str, torch.Tensor], shape: Shape) -> dict[str, np.ndarray[Any, Any]]:
    """The network's weights under llama.cpp's names and in its order of rows."""
    out: dict[str, np.ndarray[Any, Any]] = {}
    for key, value in weights.items():
        array = value.float().numpy()
        name = key.replace("blocks.", "blk.")
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            array = _neighbours(array, shape.heads)
        if name == "token_embd.weight":  # the network scales it when it is read
            array = array * np.float32(shape.width**0.5)
        out["output_norm.weight" if name == "output_norm" else name] = np.ascontiguousarray(array)
    for layer in range(shape.layers):
        for gain in ("attn_norm", "ffn_norm"):
            out[f"blk.{layer}.{gain}.weight"] = np.ones(shape.width, dtype=np.float32)
    return out


def write(path: Path, weights: dict[str, torch.Tensor], shape: Shape, quantize: bool) -> None:
    """One GGUF file: what it is, its tokenizer, its template and its tensors."""
    tokenizer = Tokenizer()
    writer = gguf.GGUFWriter(str(path), "llama")
    arrays = tensors(weights, shape)
    count = sum(array.size for name, array in arrays.items() if "norm" not in name)
    writer.add_name("tiny")
    writer.add_description("A small reasoning model: a demonstration and a test instrument.")
    writer.add_author("Runner")
    writer.add_languages(["en"])
    writer.add_size_label(f"{count / 1e6:.1f}M")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if quantize else gguf.LlamaFileType.ALL_F32)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokenizer.tokens)
    kinds = dict.fromkeys(CONTROL, gguf.TokenType.CONTROL)
    kinds |= dict.fromkeys(MARKS, gguf.TokenType.USER_DEFINED)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in tokenizer.tokens])
    writer.add_token_merges([f"{left} {right}" for left, right in tokenizer.merges])
    writer.add_bos_token_id(tokenizer.ids[BOS])
    writer.add_eos_token_id(tokenizer.ids[EOS])
    writer.add_eot_token_id(tokenizer.ids[EOS])
    writer.add_pad_token_id(tokenizer.ids[EOS])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(TEMPLATE.read_text())
    for name, array in arrays.items():
        if quantize and array.ndim == 2:
            packed = gguf.quants.quantize(array, QUANTIZED)
            writer.add_tensor(name, packed, raw_dtype=QUANTIZED)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def export(checkpoint: Path, shape: Shape, plain: Path, shipped: Path) -> None:
    """Both files of a checkpoint."""
    check_template()
    weights = torch.load(checkpoint, weights_only=True)["model"]
    write(plain, weights, shape, quantize=False)
    write(shipped, weights, shape, quantize=True)


def main() -> None:
    """Export a checkpoint of `train.py`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="student.pt or teacher.pt")
    parser.add_argument(
        "output", type=Path, help="the Q8_0 file; the F32 file lies beside the checkpoint"
    )
    options = parser.parse_args()
    shape = shapes(len(Tokenizer()))[options.checkpoint.stem]
    export(
        options.checkpoint,
        shape,
        options.checkpoint.with_name("tiny-F32.gguf"),
        options.output,
    )


if __name__ == "__main__":
    main()
