"""Where weights lie: the rules of repacking and mapping, held against what llama.cpp does."""

import ctypes
import re
from pathlib import Path

import pytest

from runner.fit.here import here
from runner.fit.weights import repacked_types, weights_of
from runner.fit.wishes import Wishes
from runner.gguf import Header, Tensor, read_header

MIB = 2**20
Q4_0, Q8_0, Q4_K_M, IQ4_NL, Q6_K = 2, 7, 15, 25, 18  # LLAMA_FTYPE_MOSTLY_*
ALL_ON_CPU = 10_000


def quantized(source: Path, target: Path, kind: int) -> Path:
    from runner.llama.library import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype, parameters.allow_requantize, parameters.nthread = kind, True, 1
    failed = llama_cpp.llama_model_quantize(
        str(source).encode(), str(target).encode(), ctypes.byref(parameters)
    )
    assert not failed
    return target


def buffers(path: Path) -> dict[str, float]:
    """MiB of the model buffers that llama.cpp logs when it really loads the file on the CPU."""
    from runner.llama import library
    from runner.llama.model import LlamaModel

    LlamaModel(path, gpu_layers=0).close()
    found = re.findall(r"(\S+) model buffer size = +([\d.]+) MiB", "".join(library.recent_log))
    return {name: float(size) for name, size in found}


@pytest.mark.parametrize("kind", [Q4_0, Q4_K_M, Q6_K, IQ4_NL, Q8_0])
def test_what_is_repacked_of_the_shipped_model(tiny_path: Path, tmp_path: Path, kind: int) -> None:
    path = quantized(tiny_path, tmp_path / "small.gguf", kind)
    repacked, mapped, once = weights_of(read_header(path), here(Wishes()).sets).here(ALL_ON_CPU)
    logged = buffers(path)
    assert repacked / MIB == pytest.approx(logged.get("CPU_REPACK", 0.0), abs=0.01)
    assert mapped / MIB == pytest.approx(logged["CPU_Mapped"], abs=0.02)
    assert 0 <= once <= mapped


@pytest.mark.parametrize("name", ["qwen3-dense", "gemma3-dense", "gpt-oss-moe", "deepseek2-moe",
                                  "nemotron_h-dense", "qwen35-dense", "lfm2-dense"])  # fmt: skip
def test_what_is_repacked_of_every_kind(shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "models" / "archs" / f"{name}.gguf"
    path = quantized(source, tmp_path / "small.gguf", Q4_0)
    repacked, mapped, _ = weights_of(read_header(path), here(Wishes()).sets).here(ALL_ON_CPU)
    logged = buffers(path)
    assert repacked / MIB == pytest.approx(logged.get("CPU_REPACK", 0.0), abs=0.01)
    assert mapped / MIB == pytest.approx(logged["CPU_Mapped"], abs=0.02)


def test_no_instruction_set_no_copy(tiny_path: Path) -> None:
    header = read_header(tiny_path)
    weights = weights_of(header, ())
    repacked, mapped, once = weights.here(ALL_ON_CPU)
    assert repacked == once == 0 or once < 4096 * 2  # what rounding to pages adds
    assert mapped == pytest.approx(header.weight_bytes, abs=3 * 4096)
    assert weights.bytes == header.weight_bytes


def test_arm_and_amx_have_rules_of_their_own() -> None:
    assert repacked_types(["AVX", "FMA"]) == {}
    assert repacked_types(["DOTPROD"])["Q8_0"] == 4
    assert "Q8_0" not in repacked_types(["AVX2"])
    assert "Q2_K" in repacked_types(["AVX2", "AVX512"])
    assert repacked_types(["AVX2", "AMX_INT8"])["Q4_K"] == 32


def test_layers_weigh_what_the_file_weighs(tiny_path: Path) -> None:
    header = read_header(tiny_path)
    weights = weights_of(header, ())
    layers = weights.by_layer()
    assert len(layers) == header.of_architecture("block_count") + 1
    words = sum(t.bytes or 0 for t in header.tensors if t.name.startswith("token_embd."))
    output = [t for t in header.tensors if t.name.startswith("output.")]
    # The words are the output as well, unless it has tensors of its own.
    assert sum(layers) == weights.bytes - (words if output else 0)
    assert weights.here(0)[1] == pytest.approx(words, abs=2 * 4096)


def test_experts_can_stay_behind(shared: Path) -> None:
    header = read_header(shared / "models" / "archs" / "gpt-oss-moe.gguf")
    weights = weights_of(header, ())
    experts = sum(t.bytes or 0 for t in header.tensors if "_exps." in t.name)
    assert sum(weights.by_layer()) - sum(weights.by_layer(experts_on_cpu=True)) == experts > 0
    assert weights.here(0, experts_on_cpu=True)[1] > weights.here(0)[1]


def test_the_parts_of_a_split_model_are_files_of_their_own() -> None:
    tensors = [
        Tensor(f"blk.{number}.{name}.weight", (256, 64), "Q4_K", offset, 9216)
        for number, name, offset in ((0, "ffn_up", 0), (0, "ffn_gate", 9216), (1, "ffn_up", 0))
    ]
    metadata = {"general.architecture": "x", "x.block_count": 2}
    weights = weights_of(Header(metadata, tuple(tensors), 8192, 10**6), ())
    assert [part.file for part in weights.parts] == [0, 0, 1]
    assert weights.here(ALL_ON_CPU) == (0, 20480 + 12288, 20480 + 12288 - 3 * 9216)
    assert weights_of(Header(metadata, tuple(tensors), 8192, 10**6), ["AVX2"]).here(ALL_ON_CPU) == (
        3 * 9216,
        0,
        0,
    )
