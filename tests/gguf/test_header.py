"""A GGUF's header: what is read, and what damage is told in words instead of a crash."""

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import BadModelFile
from runner.gguf import read_header


def write_model(path: Path, *, blocks: int = 1, architecture: str = "llama") -> Path:
    """A GGUF with one tensor, written by the reference writer."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(blocks)
    writer.add_context_length(2048)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "é"])
    writer.add_array("tokenizer.ggml.scores", [0.0, 1.0, 2.0])
    writer.add_string("general.name", "Žofie")
    writer.add_tensor("blk.0.attn_k.weight", np.zeros((4, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_reads_what_the_reference_writer_wrote(tmp_path: Path) -> None:
    header = read_header(write_model(tmp_path / "m.gguf"))
    assert header.architecture == "llama"
    assert header.of_architecture("context_length") == 2048
    assert header.metadata["general.name"] == "Žofie"
    assert header.metadata["tokenizer.ggml.tokens"] == 3
    assert header.metadata["tokenizer.ggml.scores"] == [0.0, 1.0, 2.0]
    (tensor,) = header.tensors
    assert (tensor.name, tensor.shape, tensor.type) == ("blk.0.attn_k.weight", (32, 4), "F32")
    assert header.weight_bytes == 4 * 32 * 4


def test_sizes_agree_with_the_reference_reader(tiny_path: Path) -> None:
    header = read_header(tiny_path)
    reference = gguf.GGUFReader(tiny_path)
    assert [t.name for t in header.tensors] == [t.name for t in reference.tensors]
    assert [t.bytes for t in header.tensors] == [int(t.n_bytes) for t in reference.tensors]
    assert header.data_offset == reference.data_offset


def test_not_a_gguf(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_text("<html>Please log in to this network to go on reading.</html>")
    with pytest.raises(BadModelFile, match=r"page\.gguf is not a GGUF file"):
        read_header(path)


def test_empty_file_and_directory(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()
    with pytest.raises(BadModelFile, match="not a GGUF"):
        read_header(tmp_path / "empty.gguf")
    with pytest.raises(BadModelFile):
        read_header(tmp_path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="cannot read"):
        read_header(tmp_path / "nothing.gguf")


def test_no_layers(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="says it has 0 layers"):
        read_header(write_model(tmp_path / "m.gguf", blocks=0))


def test_weights_cut_short_are_counted(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf")
    header = read_header(path)
    path.write_bytes(path.read_bytes()[: header.data_offset + 100])
    with pytest.raises(BadModelFile, match="cut short"):
        read_header(path)


def test_unknown_version(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf")
    data = bytearray(path.read_bytes())
    data[4:8] = struct.pack("<I", 9)
    path.write_bytes(data)
    with pytest.raises(BadModelFile, match="version 9"):
        read_header(path)


@given(cut=st.integers(min_value=0, max_value=400))
def test_a_header_cut_anywhere_is_bad_and_nothing_else(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = write_model(folder / "m.gguf")
    data_offset = read_header(whole).data_offset
    path = folder / "cut.gguf"
    path.write_bytes(whole.read_bytes()[: min(cut, data_offset)])
    with pytest.raises(BadModelFile):
        read_header(path)


@given(position=st.integers(min_value=4, max_value=300), byte=st.integers(0, 255))
def test_a_flipped_byte_never_escapes_the_error_tree(
    position: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write_model(tmp_path_factory.mktemp("flip") / "m.gguf")
    data = bytearray(path.read_bytes())
    data[position % len(data)] = byte
    path.write_bytes(data)
    try:
        header = read_header(path)
    except BadModelFile:
        return
    assert header.data_offset <= header.file_bytes
