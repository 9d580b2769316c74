"""The memory formulas, held against what llama.cpp itself says it allocates."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.fit import Footprint, footprint
from runner.gguf import read_header

MIB = 2**20


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
    need = footprint(read_header(tiny_path))
    assert need.kv_fixed == 0
    assert need.kv_per_token * context / MIB == pytest.approx(
        allocated_kv(tiny_path, context), abs=0.011
    )


@pytest.mark.parametrize(
    "name",
    ["qwen3-dense", "gemma3-dense", "gpt-oss-moe", "lfm2-dense", "qwen35-dense", "mamba2-dense",
     "nemotron_h-dense", "deepseek2-moe"],
)  # fmt: skip
@pytest.mark.parametrize("sequences", [1, 4])
def test_kv_of_every_kind_of_cache(shared: Path, name: str, sequences: int) -> None:
    path = shared / "models" / "archs" / f"{name}.gguf"
    need = footprint(read_header(path), sequences=sequences)
    estimate = (need.kv_per_token * 4096 + need.kv_fixed) / MIB
    assert estimate == pytest.approx(allocated_kv(path, 4096, sequences), abs=0.03 * sequences)


sizes = st.integers(min_value=0, max_value=2**34)


@given(weights=sizes, fixed=sizes, per_token=st.integers(1, 2**20), free=st.integers(0, 2**36))
def test_largest_context_fits_and_the_next_does_not(
    weights: int, fixed: int, per_token: int, free: int
) -> None:
    need = Footprint(weights, float(per_token), fixed, 0, 2048)
    largest = need.largest_context(free)
    assert largest % 256 == 0
    if largest:
        assert need.total(largest) <= free
    assert need.total(largest + 256) > free
