"""A file that makes llama.cpp abort is a line, not a crash."""

import struct
from pathlib import Path

import pytest

from runner.errors import BadModelFile
from runner.llama.model import LlamaModel
from runner.llama.probe import probe
from tests.gguf.test_header import write_model

UINT32 = 4  # GGUF's number of the type


def test_the_shipped_model_passes(tiny_path: Path) -> None:
    probe(tiny_path)


def test_a_file_that_aborts_llama_cpp(tiny_path: Path, tmp_path: Path) -> None:
    # No layers fails an assertion inside llama.cpp, which ends the process.
    path = tmp_path / "no-layers.gguf"
    data = bytearray(tiny_path.read_bytes())
    key = b".block_count" + struct.pack("<I", UINT32)
    at = data.index(key) + len(key)
    data[at : at + 4] = struct.pack("<I", 0)
    path.write_bytes(data)
    with pytest.raises(BadModelFile, match=r"llama.cpp crashes on no-layers\.gguf: .*ASSERT"):
        probe(path)


def test_an_unknown_architecture(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", architecture="perceptron")
    with pytest.raises(BadModelFile, match="perceptron"):
        probe(path)


def test_missing_tensors(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match=r"m\.gguf"):
        LlamaModel(write_model(tmp_path / "m.gguf"))
