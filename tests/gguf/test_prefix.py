"""A header read from the first bytes of a file that is not here."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalog import models_directory
from runner.errors import BadModelFile
from runner.gguf import NeedsMore, read_header, read_prefix

TINY = models_directory() / "tiny" / "tiny-Q8_0.gguf"
HEADER = read_header(TINY)
DATA = TINY.read_bytes()[: HEADER.data_offset]
SIZE = HEADER.file_bytes


def test_the_first_bytes_give_what_the_file_gives() -> None:
    assert read_prefix(DATA, SIZE, TINY.name) == HEADER


@given(st.integers(0, len(DATA) - 64))
def test_a_prefix_that_ends_too_early_asks_for_more(length: int) -> None:
    with pytest.raises(NeedsMore) as caught:
        read_prefix(DATA[:length], SIZE, "m.gguf")
    assert length < caught.value.bytes <= len(DATA)


def test_asking_for_what_is_needed_ends() -> None:
    length = rounds = 0
    while True:
        try:
            assert read_prefix(DATA[:length], SIZE, "m.gguf") == HEADER
            break
        except NeedsMore as more:
            length, rounds = max(more.bytes, 2 * length), rounds + 1
    assert rounds < 25


@given(st.integers(24, len(DATA) - 64))
def test_a_file_that_ends_too_early_is_bad(length: int) -> None:
    with pytest.raises(BadModelFile):
        read_prefix(DATA[:length], length, "m.gguf")


@given(st.integers(4, len(DATA) - 1), st.integers(0, 255), st.integers(0, len(DATA)))
def test_damage_is_bad_or_goes_on_beyond_the_prefix(at: int, byte: int, length: int) -> None:
    data = bytearray(DATA)
    data[at] = byte
    try:
        header = read_prefix(bytes(data[:length]), SIZE, "m.gguf")
    except BadModelFile:
        return
    except NeedsMore as more:
        assert length < more.bytes <= SIZE
        return
    assert header.data_offset <= SIZE


def test_another_kind_of_file_is_told_by_its_first_bytes() -> None:
    with pytest.raises(BadModelFile, match=r"page\.gguf is not a GGUF file"):
        read_prefix(b"<html>", 10**9, "page.gguf")


def test_a_file_full_of_zeros_costs_nothing(tmp_path: Path) -> None:
    """Counts are held against what any model has, not only against the bytes there are."""
    import os
    import struct

    path = tmp_path / "zeros.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**32, 0))
    os.truncate(path, 1 << 40)
    with pytest.raises(BadModelFile, match="4294967296 tensors"):
        read_header(path)
