"""Plans of catalogue entries by their recorded shapes, held against headers of the same shape."""

import subprocess
import sys

import pytest

from runner.catalog import Shape, load_catalog
from runner.fit.here import Here
from runner.fit.placement import formula_plan
from runner.fit.shape import shape_plan
from runner.fit.wishes import Wishes
from runner.gguf import TENSOR_TYPES, Header, Tensor

GIB = 2**30
AVX2 = Here(64 * GIB, (), frozenset(["AVX2"]))
SIZES = {name: (elements, size) for name, elements, size in TENSOR_TYPES.values()}


def header_of(shape: Shape, architecture: str, context: int, total: int) -> Header:
    """The header of a Q4_K_M of that shape, as llama-quantize mixes it."""
    tensors: list[Tensor] = []

    def add(name: str, kind: str, *extents: int) -> None:
        elements, size = SIZES[kind]
        count = 1
        for extent in extents:
            count *= extent
        at = tensors[-1].offset + (tensors[-1].bytes or 0) if tensors else 0
        tensors.append(Tensor(name, extents, kind, at, count // elements * size))

    width, attention = shape.hidden, shape.heads * shape.head_dim
    keys, count = shape.kv_heads * shape.head_dim, shape.layers
    add("token_embd.weight", "Q6_K" if shape.tied_embeddings else "Q4_K", width, shape.vocabulary)
    for layer in range(count):
        eighth = count // 8
        more = layer < eighth or layer >= 7 * count // 8 or (layer - eighth) % 3 == 2
        finer = "Q6_K" if more else "Q4_K"
        for name, kind, extents in (
            ("attn_q", "Q4_K", (width, attention)), ("attn_k", "Q4_K", (width, keys)),
            ("attn_v", finer, (width, keys)), ("attn_output", "Q4_K", (attention, width)),
            ("ffn_gate", "Q4_K", (width, shape.ffn)), ("ffn_up", "Q4_K", (width, shape.ffn)),
            ("ffn_down", finer, (shape.ffn, width)), ("attn_norm", "F32", (width,)),
            ("ffn_norm", "F32", (width,)),
        ):  # fmt: skip
            add(f"blk.{layer}.{name}.weight", kind, *extents)
    add("output_norm.weight", "F32", width)
    if not shape.tied_embeddings:
        add("output.weight", "Q6_K", width, shape.vocabulary)
    weights = tensors[-1].offset + (tensors[-1].bytes or 0)
    said = {
        "context_length": context, "block_count": count, "embedding_length": width,
        "feed_forward_length": shape.ffn, "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads, "attention.key_length": shape.head_dim,
        "attention.value_length": shape.head_dim,
    }  # fmt: skip
    metadata = {f"{architecture}.{key}": value for key, value in said.items()} | {
        "general.architecture": architecture,
        "tokenizer.ggml.tokens": shape.vocabulary,
        "tokenizer.ggml.merges": shape.vocabulary,
    }
    return Header(metadata, tuple(tensors), max(0, total - weights) // 32 * 32, total)


@pytest.mark.parametrize("name", ["deepseek-r1-distill-qwen:1.5b", "deepseek-r1-distill-llama:8b",
                                  "qwen3:0.6b", "qwen3:4b", "llama3.2:1b"])  # fmt: skip
@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_a_shape_is_planned_like_a_header_of_that_shape(name: str, kv_type: str) -> None:
    entry = load_catalog().find(name)
    assert entry is not None and entry.shape is not None
    one = entry.quantization("Q4_K_M")
    assert one.bytes is not None
    wishes = Wishes(kv_type=kv_type)
    header = header_of(entry.shape, entry.architecture, entry.context or 0, one.bytes)
    rough, close = shape_plan(entry, one, wishes, AVX2), formula_plan(header, wishes, AVX2)
    assert rough is not None
    for context in (2048, 32768):
        estimate, better = rough.memory(context), close.memory(context)
        assert estimate.private == pytest.approx(better.private, rel=0.03)
        assert estimate.file_backed == pytest.approx(better.file_backed, rel=0.03)
        assert estimate.needed == pytest.approx(better.needed, rel=0.03)


def test_every_entry_has_a_plan() -> None:
    for entry in load_catalog().entries:
        for one in entry.quantizations:
            planned = shape_plan(entry, one, Wishes(), AVX2)
            if one.bytes is None:
                assert planned is None
                continue
            assert planned is not None, (entry.name, one.name)
            memory = planned.memory()
            assert 0.9 * one.bytes < memory.file_backed <= one.bytes + 2**13
            assert memory.needed > 0.85 * one.bytes
            assert planned.memory(8192).private >= planned.memory(4096).private


def test_it_needs_neither_llama_cpp_nor_the_network() -> None:
    program = (
        "import sys; from runner.catalog import load_catalog; from runner.fit.here import Here; "
        "from runner.fit.shape import shape_plan; from runner.fit.wishes import Wishes; "
        "e = load_catalog().find('qwen3:0.6b'); "
        "shape_plan(e, e.quantization(), Wishes(), Here(2**34)).memory(); "
        "print([m for m in ('llama_cpp', 'huggingface_hub', 'numpy') if m in sys.modules])"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (child.stdout, child.stderr) == ("[]\n", "")
