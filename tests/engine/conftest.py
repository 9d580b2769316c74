"""The shipped model in F32: rounding is small there, so that replies can be compared."""

import ctypes
from pathlib import Path

import pytest

from runner.llama.library import llama_cpp

ALL_F32 = 0  # LLAMA_FTYPE_ALL_F32


@pytest.fixture(scope="session")
def tiny_f32(tiny_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("f32") / "tiny-F32.gguf"
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = ALL_F32
    parameters.allow_requantize = True
    done = llama_cpp.llama_model_quantize(
        str(tiny_path).encode(), str(path).encode(), ctypes.byref(parameters)
    )
    assert done == 0
    return path
