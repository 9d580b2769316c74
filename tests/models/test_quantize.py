"""A smaller file of a model: refused with a reason, or whole, tried and under its name."""

import hashlib
from pathlib import Path

import pytest

from runner import machine, models
from runner.errors import BadModelFile, ConfigurationError, DiskError
from runner.gguf import read_header
from runner.library import Found
from runner.models.find import Located
from runner.models.quantize import place, quantize
from runner.models.verify import to_verify, verify
from runner.paths import data_directory
from tests.wide import write_wide


@pytest.fixture
def wide(tmp_path: Path, tiny_path: Path) -> Path:
    return write_wide(tmp_path / "wide-F32.gguf", tiny_path)


def nothing_else(folder: Path, *names: str) -> bool:
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_a_file_is_made_beside_its_source(wide: Path) -> None:
    stages: list[str] = []
    made = quantize(str(wide), "q4_k_m", progress=lambda what, *_: stages.append(what))
    assert made.path == wide.with_name("wide-Q4_K_M.gguf")
    assert (made.source, made.kind, made.made_from) == ("wide-F32.gguf", "Q4_K_M", str(wide))
    assert made.bytes == made.path.stat().st_size < wide.stat().st_size / 4
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    metadata = read_header(made.path).metadata
    assert metadata["runner.made_from"] == "wide-F32.gguf"
    assert metadata["general.quantized_by"] == "Runner"
    assert metadata["runner.made_by"].startswith("llama-cpp-python ")
    assert metadata["general.name"] == "wide"
    assert stages == sorted(stages, reverse=True)
    assert nothing_else(wide.parent, "wide-F32.gguf", "wide-Q4_K_M.gguf")
    assert models.locate(str(made.path)).quantization == "Q4_K_M"


def test_of_a_quantized_model_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"quantized already \(Q8_0\)") as refused:
        quantize("tiny", "Q4_0")
    assert "--requantize" in refused.value.remedy
    remarks: list[str] = []
    made = quantize("tiny", "Q4_K_M", requantize=True, remark=remarks.append)
    assert made.path == data_directory() / "made" / "tiny-Q4_K_M.gguf"
    assert "tensors have rows that Q4_K_M cannot hold" in remarks[0]
    assert nothing_else(made.path.parent, "tiny-Q4_K_M.gguf")


def test_a_larger_file_is_said_to_be_one(wide: Path, tmp_path: Path) -> None:
    remarks: list[str] = []
    quantize(str(wide), "F32", out=tmp_path / "same.gguf", remark=remarks.append)
    assert remarks == ["as F32 it is no smaller than wide-F32.gguf"]


def test_an_unknown_kind_lists_them(wide: Path) -> None:
    with pytest.raises(ConfigurationError, match="makes no Q4_K_XXL") as refused:
        quantize(str(wide), "Q4_K_XXL")
    assert "Q4_K_M" in refused.value.remedy


def test_a_kind_that_needs_an_importance_matrix(wide: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs an importance matrix") as refused:
        quantize(str(wide), "IQ2_XXS")
    assert "--imatrix" in refused.value.remedy
    assert nothing_else(wide.parent, wide.name)


def test_nothing_is_overwritten(wide: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.gguf"
    there.write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match="exists"):
        quantize(str(wide), "Q8_0", out=there)
    assert there.read_bytes() == b"mine"
    (tmp_path / "new.gguf.making").touch()
    with pytest.raises(ConfigurationError, match="being made"):
        quantize(str(wide), "Q8_0", out=tmp_path / "new.gguf")
    assert nothing_else(tmp_path, "there.gguf", "new.gguf.making", wide.name)


def test_a_full_disk_is_seen_before(wide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_disk", lambda _: 2**20)
    with pytest.raises(DiskError, match=r"GB are needed in .*, and 0\.00 GB are free"):
        quantize(str(wide), "Q8_0")
    assert nothing_else(wide.parent, wide.name)


def test_a_folder_that_cannot_be(wide: Path) -> None:
    with pytest.raises(DiskError, match="cannot write"):
        quantize(str(wide), "Q8_0", out=wide / "inside" / "made.gguf")


def test_what_computes_no_numbers_gets_no_name(wide: Path) -> None:
    whole = bytearray(wide.read_bytes())
    header = read_header(wide)
    (norm,) = (tensor for tensor in header.tensors if tensor.name == "output_norm.weight")
    at = header.data_offset + norm.offset
    whole[at : at + 4] = b"\x00\x00\xc0\x7f"  # not a number, in a tensor that is only copied
    wide.write_bytes(whole)
    with pytest.raises(BadModelFile):
        quantize(str(wide), "Q8_0")
    assert nothing_else(wide.parent, wide.name)


def test_a_split_model_becomes_one_file(wide: Path, tmp_path: Path) -> None:
    from tests.gguf.headers import File, Pair, scalar, taken_apart

    whole = taken_apart(wide)
    cut = whole.tensors[6].offset
    halves = (whole.tensors[:6], whole.tensors[6:])
    for number, (tensors, data) in enumerate(
        zip(halves, (whole.data[:cut], whole.data[cut:]), strict=True)
    ):
        for tensor in tensors:
            tensor.offset -= number * cut
        pairs = [
            *(whole.pairs if number == 0 else whole.pairs[:1]),
            Pair(b"split.no", 2, scalar(2, number)),
            Pair(b"split.count", 2, scalar(2, 2)),
            Pair(b"split.tensors.count", 5, scalar(5, len(whole.tensors))),
        ]
        part = tmp_path / f"split-F32-0000{number + 1}-of-00002.gguf"
        part.write_bytes(File(pairs, tensors, data).packed())
    wide.unlink()
    made = quantize(str(tmp_path / "split-F32-00001-of-00002.gguf"), "Q8_0")
    assert made.path == tmp_path / "split-Q8_0.gguf"
    assert len(read_header(made.path).tensors) == len(whole.tensors)
    assert "split.count" not in read_header(made.path).metadata


@pytest.mark.parametrize(
    ("file", "quantization", "made"),
    [
        ("Small-F16.gguf", "F16", "Small-Q4_0.gguf"),
        ("small.f16.gguf", "F16", "small.Q4_0.gguf"),
        ("small.gguf", None, "small-Q4_0.gguf"),
        ("Small-BF16-00001-of-00002.gguf", "BF16", "Small-Q4_0.gguf"),
    ],
)
def test_names(file: str, quantization: str | None, made: str, tmp_path: Path) -> None:
    assert place(Located(tmp_path / file, file, quantization), "Q4_0") == tmp_path / made


@pytest.mark.parametrize(
    ("name", "file", "quantization", "made"),
    [
        ("ollama:small:8b", f"sha256-{'a' * 64}", "F16", "small-8b-Q4_0.gguf"),
        ("ollama:hf.co/org/small:F16", f"sha256-{'a' * 64}", "F16", "small-Q4_0.gguf"),
        ("lmstudio:org/small/small-F16", "small-F16.gguf", "F16", "small-Q4_0.gguf"),
    ],
)
def test_nothing_is_written_into_the_folder_of_another_program(
    name: str, file: str, quantization: str, made: str, tmp_path: Path
) -> None:
    found = Found(name, "another program", (tmp_path / file,), file)
    located = Located(tmp_path / file, name, quantization, found=found)
    assert place(located, "Q4_0") == data_directory() / "made" / made


def test_a_model_in_a_folder_of_the_user_is_found(wide: Path) -> None:
    made = quantize("folder:wide-F32", "Q8_0", folders=[str(wide.parent)])
    assert made.path == data_directory() / "made" / "wide-Q8_0.gguf"


def test_what_was_made_of_a_path_is_verified_and_removed_by_its_path(wide: Path) -> None:
    made = quantize(str(wide), "Q8_0")
    (record,) = to_verify([str(made.path)])
    assert [verdict.state for verdict in verify(record, lambda *_: None)] == ["whole"]
    removed = models.remove(models.to_remove(str(made.path)))
    assert (removed.path, removed.bytes) == (made.path, made.bytes)
    assert nothing_else(wide.parent, wide.name)
