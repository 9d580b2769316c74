"""No header, however damaged, does more to Runner than be refused."""

import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import gguf
from runner.errors import BadModelFile
from runner.gguf import read_header
from tests.gguf.headers import ARRAY, CODES, STRING, File, Pair, Tensor, array, scalar, text
from tests.gguf.mutate import Tally, run, small

FLOATS = {
    kind: st.floats(width=32 if CODES[kind] == "f" else 64, allow_nan=False) for kind in (6, 12)
}
WHOLES = {
    kind: st.integers(0, 2 ** (8 * struct.calcsize(code)) - 1)
    if code.isupper()
    else st.integers(
        -(2 ** (8 * struct.calcsize(code) - 1)), 2 ** (8 * struct.calcsize(code) - 1) - 1
    )
    for kind, code in CODES.items()
    if code not in "fd?"
}
SCALARS: dict[int, st.SearchStrategy[Any]] = {**FLOATS, **WHOLES, 7: st.booleans()}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def values(draw: st.DrawFn) -> tuple[int, bytes, Any]:
    """The type of a value, the value as it lies in a file, and as it is read."""
    kind = draw(st.sampled_from([*SCALARS, STRING, ARRAY]))
    if kind == STRING:
        words = draw(TEXTS)
        return kind, text(words.encode()), words
    if kind == ARRAY:
        inner = draw(st.sampled_from([*SCALARS, STRING]))
        if inner == STRING:
            texts = draw(st.lists(TEXTS, max_size=5))
            return kind, array(inner, [text(one.encode()) for one in texts]), len(texts)
        numbers = draw(st.lists(SCALARS[inner], max_size=5))
        return kind, array(inner, [scalar(inner, one) for one in numbers]), numbers
    number = draw(SCALARS[kind])
    return kind, scalar(kind, number), number


@st.composite
def files(draw: st.DrawFn) -> tuple[File, dict[str, Any]]:
    """A valid file, and the values in it."""
    drawn = draw(st.dictionaries(TEXTS.map("a.".__add__), values(), max_size=6))
    pairs = [Pair(key.encode(), kind, raw) for key, (kind, raw, _) in drawn.items()]
    pairs += [
        Pair(b"general.architecture", STRING, text(b"llama")),
        Pair(b"llama.block_count", 4, scalar(4, 1)),
    ]
    shapes = draw(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), max_size=4))
    tensors, end = [], 0
    for number, shape in enumerate(shapes):
        tensors.append(Tensor(b"t%d" % number, tuple(shape), 0, end))
        elements = 1
        for extent in shape:
            elements *= extent
        end += -(-4 * elements // 32) * 32
    return File(pairs, tensors, bytes(end)), {key: value for key, (_, _, value) in drawn.items()}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "m.gguf"


@given(drawn=files())
def test_what_is_written_is_read(drawn: tuple[File, dict[str, Any]], path: Path) -> None:
    file, expected = drawn
    path.write_bytes(file.packed())
    header = read_header(path)
    assert {key: header.metadata[key] for key in expected} == expected
    assert [(t.name.encode(), t.shape, t.offset) for t in header.tensors] == [
        (t.name, t.shape, t.offset) for t in file.tensors
    ]
    assert header.file_bytes - header.data_offset == len(file.data)


@st.composite
def damage(draw: st.DrawFn) -> bytes:
    """A valid file with bytes overwritten, taken away or put in, or cut short."""
    file, _ = draw(files())
    whole = bytearray(file.packed())
    extremes = st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, len(whole)])
    new = st.binary(max_size=12) | extremes.map(lambda number: struct.pack("<Q", number))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(whole)))
        whole[at : at + draw(st.integers(0, 12))] = draw(new)
    return bytes(whole[: draw(st.integers(0, len(whole)) | st.just(len(whole)))])


@settings(max_examples=200)
@given(whole=damage())
def test_damage_is_refused_or_harmless_and_costs_no_memory(whole: bytes, path: Path) -> None:
    path.write_bytes(whole)
    tracemalloc.start()
    try:
        read_header(path)
    except BadModelFile as error:
        assert len(error.message) < 500
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 64 * len(whole) + 2**18


def refused(path: Path, file: File | bytes, words: str) -> None:
    path.write_bytes(file if isinstance(file, bytes) else file.packed())
    with pytest.raises(BadModelFile, match=words):
        read_header(path)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (4, scalar(4, 0)),
        (4, scalar(4, 3)),
        (5, scalar(5, -32)),
        (6, scalar(6, float("nan"))),
        (6, scalar(6, float("inf"))),
        (STRING, text(b"32")),
        (ARRAY, array(4, [scalar(4, 32)])),
    ],
)
def test_an_alignment_that_is_none(kind: int, raw: bytes, path: Path) -> None:
    file = small()
    file.pairs = [pair for pair in file.pairs if pair.key != b"general.alignment"]
    file.pairs.append(Pair(b"general.alignment", kind, raw))
    refused(path, file, "alignment is no power of two")


def test_a_key_twice(path: Path) -> None:
    file = small()
    file.pairs.append(file.pairs[0])
    refused(path, file, "'general.architecture' is there twice")


@pytest.mark.parametrize("depth", [1, 100_000])
def test_arrays_of_arrays(depth: int, path: Path) -> None:
    file = small()
    head = struct.pack("<IQ", ARRAY, 1)
    file.pairs.append(Pair(b"nested", ARRAY, head * depth + array(4, [])))
    refused(path, file, "an array of arrays")


@pytest.mark.parametrize("count", [2**31 + 7, 2**64 - 1])
def test_more_layers_tensors_or_values_than_there_can_be(count: int, path: Path) -> None:
    file = small()
    file.pairs[1] = Pair(b"llama.block_count", 10, scalar(10, count))
    refused(path, file, f"says it has {count} layers")
    whole = small().packed()
    refused(path, whole[:8] + struct.pack("<Q", count) + whole[16:], f"{count} tensors")
    refused(path, whole[:16] + struct.pack("<Q", count) + whole[24:], f"{count} values")


def test_a_shape_whose_product_overflows(path: Path) -> None:
    file = small()
    file.tensors[0].shape = (2**63, 2**63, 2**63, 2**63)
    refused(path, file, "cut short")


@pytest.mark.skipif(sys.platform == "win32", reason="a file of this size would take its space")
@pytest.mark.parametrize("inner", [STRING, 0])
@pytest.mark.parametrize("count", [2**30, 2**62])
def test_an_endless_hole_is_not_read_through(
    inner: int, count: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sparse file of 16 GiB, all zeros: empty strings without end, or one that is a gigabyte."""
    monkeypatch.setattr(gguf, "LONGEST", 2**20)
    file = File([Pair(b"hole", ARRAY, struct.pack("<IQ", inner, count))])
    path.write_bytes(file.packed()[:-8])
    with path.open("rb+") as stream:
        stream.truncate(2**34)
    with pytest.raises(BadModelFile, match="runs past the end"):
        read_header(path)
    path.unlink()


def test_a_mutation_run(tmp_path: Path) -> None:
    """`python -m tests.gguf.mutate` runs longer."""

    def probe_some(tally: Tally) -> bool:
        return tally.refused_by_probe + tally.passed < 4

    tally = run(tmp_path, seed=7, more=lambda tally: tally.checked < 150, probe=probe_some)
    assert not tally.crashes, tally.crashes[0]
    assert tally.refused_by_check > 20
    assert tally.refused_by_probe + tally.passed == 4
