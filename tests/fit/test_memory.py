"""The memory formulas, held against what llama.cpp itself says it allocates."""

import re
from pathlib import Path

import pytest

from runner.fit.memory import CPU, cache_layers, formula_buffers
from runner.gguf import read_header

MIB = 2**20
KINDS = ("qwen3-dense", "gemma3-dense", "gpt-oss-moe", "lfm2-dense", "qwen35-dense",
         "mamba2-dense", "nemotron_h-dense", "deepseek2-moe")  # fmt: skip


def allocated_kv(path: Path, context: int, sequences: int = 1) -> float:
    """MiB of KV cache and recurrent states in llama.cpp's log for a context of that size."""
    from runner.llama import library
    from runner.llama.context import LlamaContext
    from runner.llama.model import LlamaModel

    model = LlamaModel(path, gpu_layers=0)
    LlamaContext(model, context=context, batch=512, threads=1, sequences=sequences).close()
    model.close()
    log = "".join(library.recent_log)
    return sum(map(float, re.findall(r"(?:KV|RS) buffer size = +([\d.]+) MiB", log)))


@pytest.mark.parametrize("context", [1024, 4096])
def test_kv_of_the_shipped_model(tiny_path: Path, context: int) -> None:
    layers = cache_layers(read_header(tiny_path))
    assert all(layer.fixed == 0 for layer in layers)
    cached = sum(layer.bytes(context) for layer in layers) / MIB
    assert cached == pytest.approx(allocated_kv(tiny_path, context), abs=0.011)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("sequences", [1, 4])
def test_kv_of_every_kind_of_cache(shared: Path, name: str, sequences: int) -> None:
    path = shared / "models" / "archs" / f"{name}.gguf"
    layers = cache_layers(read_header(path), sequences=sequences)
    estimate = sum(layer.bytes(4096) for layer in layers) / MIB
    assert estimate == pytest.approx(allocated_kv(path, 4096, sequences), abs=0.03 * sequences)


def test_the_compute_buffer_with_the_shipped_model(tiny_path: Path) -> None:
    header = read_header(tiny_path)
    buffers = formula_buffers(header, cache_layers(header))
    # What llama.cpp logs with four sequences, 16 rows of logits and a batch of 512.
    for context, logged in ((2048, 5.39), (32768, 35.39)):
        assert buffers.compute_at(context)[CPU] / MIB == pytest.approx(logged, abs=0.5)
