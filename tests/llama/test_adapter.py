"""Adapters that llama.cpp would refuse, ignore or die of: each is told in words before it is asked.

What is marked as a crash ended the process when it was tried: at once, or with the next token.
"""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalog import models_directory
from runner.engine.adapters import Adapters, Scaled
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import BadModelFile
from runner.fit import Placement
from runner.gguf import read_header, read_whole_header
from runner.llama.adapter import check_lora, read_control_vector
from tests.engine.adapter_files import (
    EMBEDDING,
    OUTPUT,
    QUERY,
    RANK,
    VOCABULARY,
    WIDTH,
    Pair,
    pair,
    write_lora,
    write_vector,
)

TINY = models_directory() / "tiny" / "tiny-Q8_0.gguf"
A, B = pair()
UINT32, FLOAT64, ARRAY = (
    gguf.GGUFValueType.UINT32,
    gguf.GGUFValueType.FLOAT64,
    gguf.GGUFValueType.ARRAY,
)
ALPHA = "adapter.lora.alpha"

Write = Callable[[Path], object]


def of(name: str, a: np.ndarray, b: np.ndarray) -> Write:
    return lambda path: write_lora(path, {name: (a, b)})


def saying(**other: object) -> Write:
    return lambda path: write_lora(path, {QUERY: (A, B)}, **other)  # type: ignore[arg-type]


def embedding(rank_a: int, rank_b: int) -> Write:
    return of(
        EMBEDDING,
        np.zeros((VOCABULARY, rank_a), np.float32),
        np.zeros((WIDTH, rank_b), np.float32),
    )


def cut(bytes: int) -> Write:
    def write(path: Path) -> None:
        data = write_lora(path, {QUERY: (A, B)}).read_bytes()
        path.write_bytes(data[:bytes])

    return write


def half(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_tensor(f"{QUERY}.lora_a", A)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


BAD: dict[str, tuple[Write, str]] = {
    "another architecture": (
        saying(architecture="qwen2"),
        "was made for a qwen2 model, and this one is llama",
    ),
    "another kind of file": (saying(kind="model"), "is not a LoRA adapter"),
    "another kind of adapter": (saying(form="control_vector"), "is not a LoRA adapter"),
    "alpha is an integer (crash)": (
        saying(alpha=None, metadata={ALPHA: (8, UINT32)}),
        "adapter.lora.alpha is of another type",
    ),
    "alpha is a double (crash)": (
        saying(alpha=None, metadata={ALPHA: (8.0, FLOAT64)}),
        "adapter.lora.alpha is of another type",
    ),
    "acts after certain tokens": (
        saying(metadata={"adapter.alora.invocation_tokens": ([1, 2], ARRAY)}),
        "only after certain tokens",
    ),
    "of another width": (of(QUERY, A[:, :-1].copy(), B), r"has the shape \(192, 192\)"),
    "of another height": (of(QUERY, A, B[:-1].copy()), r"has the shape \(192, 192\)"),
    "two ranks": (of(QUERY, A[:-1].copy(), B), "the adapter's are"),
    "no rank": (of(QUERY, A[:0].copy(), B[:, :0].copy()), "the adapter's are"),
    "of experts (crash)": (of(QUERY, np.stack([A, A]), np.stack([B, B])), "the adapter's are"),
    "two ranks of an embedding (crash)": (embedding(RANK, RANK + 1), "the adapter's are"),
    "integers (crash)": (of(QUERY, A.astype(np.int32), B.astype(np.int32)), "is of type I32"),
    "doubles (crash)": (of(QUERY, A.astype(np.float64), B.astype(np.float64)), "is of type F64"),
    "a layer too many": (of("blk.5.attn_q.weight", A, B), "it has no blk.5.attn_q.weight"),
    "of a norm (ignored)": (of("blk.0.attn_norm.weight", A, B[:1].copy()), "is no matrix"),
    "no pair": (half, "only one of the two matrices"),
    "nothing": (lambda path: write_lora(path, {}), "holds no tensors"),
    "cut short": (cut(-1000), "cut short"),
    "cut in its header": (cut(100), "cut short"),
    "no GGUF": (lambda path: path.write_text("PK" * 20), "is not a GGUF file"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_lora_is_named_before_llama_cpp_sees_it(
    tiny_path: Path, tmp_path: Path, case: str
) -> None:
    write, reason = BAD[case]
    path = tmp_path / "adapter.gguf"
    write(path)
    with pytest.raises(BadModelFile, match=reason) as caught:
        check_lora(path, read_header(tiny_path))
    assert caught.value.message.startswith("adapter.gguf ")
    assert caught.value.remedy


@given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_header_is_refused_or_harmless(changes: list[tuple[float, int]]) -> None:
    """Thousands of files damaged so, and passed here, were then given to llama.cpp: it refused a
    few and died of none."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_lora(Path(folder) / "lora.gguf", {QUERY: (A, B)})
        data = bytearray(path.read_bytes())
        end = read_header(path, model=False).data_offset
        for place, value in changes:
            data[int(place * end)] = value
        path.write_bytes(data)
        with contextlib.suppress(BadModelFile):
            check_lora(path, read_header(TINY))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("blk.0.ssm_conv1d.weight", "cannot adapt"),
        ("blk.0.ffn_down_exps.bias", "cannot adapt"),
        ("blk.0.ssm_norm.weight", "cannot adapt"),
        ("blk.0.ssm_a", "cannot adapt"),
    ],
)
def test_what_llama_cpp_would_ignore_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    model = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(model, "llama")
    writer.add_block_count(1)
    writer.add_tensor(name, np.zeros((WIDTH, WIDTH), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    lora = write_lora(tmp_path / "lora.gguf", {name: (A, B)})
    with pytest.raises(BadModelFile, match=reason):
        check_lora(lora, read_header(model))


def test_the_embedding_of_a_model_that_writes_with_it(shared: Path, tmp_path: Path) -> None:
    """A crash with the first token: its pair lies the other way round than an output's."""
    model = shared / "models" / "stories260K-F32.gguf"
    lora = write_lora(
        tmp_path / "lora.gguf",
        {EMBEDDING: (np.zeros((512, 4), np.float32), np.zeros((64, 4), np.float32))},
    )
    with pytest.raises(BadModelFile, match="is its output too"):
        check_lora(lora, read_header(model))


@pytest.mark.parametrize("kind", ["gpt-oss-moe", "deepseek2-moe", "lfm2-dense", "nemotron_h-dense",
                                  "qwen35-dense", "mamba2-dense", "gemma3-dense"])  # fmt: skip
def test_every_weight_that_passes_acts(shared: Path, tmp_path: Path, kind: str) -> None:
    """One of each name, all adapted together and then each left out: that changes the reply."""
    path = shared / "models" / "archs" / f"{kind}.gguf"
    header = read_header(path)
    loras = {}
    for tensor in header.tensors:
        lora = tmp_path / f"{tensor.name}.gguf"
        short = tensor.name.split(".", 2)[-1]
        if len(tensor.shape) < 2 or short in loras:
            continue
        write_lora(lora, {tensor.name: _pair_of(tensor.name, tensor.shape)},
                   architecture=header.architecture)  # fmt: skip
        try:
            check_lora(lora, header)
        except BadModelFile:
            continue
        loras[short] = Scaled(lora)
    assert len(loras) > 2
    with Model.open(path, Placement(256, 0, None, 1, "f32", sequences=1)) as model:

        def logprob(*chosen: Scaled) -> list[float]:
            model.adapt(Adapters(chosen))
            options = Options(sampling=Sampling(temperature=0), replay=(5, 6), logprobs=0)
            stream = model.generate([1, 9, 8, 7, 6, 5, 4, 3], options)
            return [one.logprob for event in stream for one in event.logprobs]

        plain = logprob()
        assert [short for short, one in loras.items() if logprob(one) == plain] == []
        assert np.isfinite(logprob(*loras.values())).all()


def _pair_of(name: str, shape: tuple[int, ...]) -> Pair:
    width, height, *experts = shape
    draw = np.random.default_rng(3)

    def drawn(*shape: int) -> npt.NDArray[np.float32]:
        return draw.normal(0, 0.5, shape).astype(np.float32)

    if name.endswith(EMBEDDING):
        return drawn(height, RANK), drawn(width, RANK)
    return drawn(*experts, RANK, width), drawn(*experts, height, RANK)


def test_a_model_in_parts_is_one(tiny_path: Path, tmp_path: Path) -> None:
    """The tensors of a split model are spread over its files; later ones say nothing else."""
    first = tmp_path / "some-00001-of-00002.gguf"
    writer = gguf.GGUFWriter(first, "llama")
    writer.add_block_count(1)
    writer.add_tensor(QUERY, np.zeros((WIDTH, WIDTH), np.float32))
    second = gguf.GGUFWriter(tmp_path / "some-00002-of-00002.gguf", "")
    second.add_uint16("split.no", 1)
    second.add_tensor(OUTPUT, np.zeros((VOCABULARY, WIDTH), np.float32))
    for part in (writer, second):
        part.write_header_to_file()
        part.write_kv_data_to_file()
        part.write_tensors_to_file()
        part.close()
    header = read_whole_header(first)
    assert [tensor.name for tensor in header.tensors] == [QUERY, OUTPUT]
    check_lora(write_lora(tmp_path / "lora.gguf", {OUTPUT: pair(WIDTH, VOCABULARY)}), header)


def test_directions_are_read_to_their_layers(tiny_path: Path, tmp_path: Path) -> None:
    path = write_vector(
        tmp_path / "vector.gguf",
        {2: np.arange(WIDTH, dtype=np.float32), 4: np.ones(WIDTH, np.float32)},
    )
    read = read_control_vector(path, read_header(tiny_path))
    assert read.shape == (4, WIDTH)
    assert np.array_equal(read[1], np.arange(WIDTH))
    assert np.array_equal(read[3], np.ones(WIDTH))
    assert not read[[0, 2]].any()


BAD_VECTORS: dict[str, tuple[dict[int, npt.NDArray[Any]], str]] = {
    "too narrow": ({1: np.ones(WIDTH - 1, np.float32)}, "has the shape"),
    "two-dimensional": ({1: np.ones((2, WIDTH), np.float32)}, "has the shape"),
    "on layer 0": ({0: np.ones(WIDTH, np.float32)}, "the model has layers 1 to 4"),
    "a layer too many": ({5: np.ones(WIDTH, np.float32)}, "the model has layers 1 to 4"),
    "in F16": ({1: np.ones(WIDTH, np.float16)}, "is no direction in F32"),
    "not finite": ({1: np.full(WIDTH, np.nan, np.float32)}, "not all of its values are finite"),
    "empty": ({}, "holds no directions"),
}


@pytest.mark.parametrize("case", BAD_VECTORS)
def test_a_bad_control_vector_is_named(tiny_path: Path, tmp_path: Path, case: str) -> None:
    directions, reason = BAD_VECTORS[case]
    path = write_vector(tmp_path / "vector.gguf", directions)
    with pytest.raises(BadModelFile, match=reason) as caught:
        read_control_vector(path, read_header(tiny_path))
    assert caught.value.remedy


def test_one_kind_is_not_taken_for_the_other(tiny_path: Path, tmp_path: Path) -> None:
    lora = write_lora(tmp_path / "lora.gguf", {QUERY: (A, B)})
    vector = write_vector(tmp_path / "vector.gguf", {1: np.ones(WIDTH, np.float32)})
    with pytest.raises(BadModelFile, match="is not a control vector"):
        read_control_vector(lora, read_header(tiny_path))
    with pytest.raises(BadModelFile, match="is not a LoRA adapter"):
        check_lora(vector, read_header(tiny_path))
    with pytest.raises(BadModelFile, match="is not a LoRA adapter"):
        check_lora(tiny_path, read_header(tiny_path))
