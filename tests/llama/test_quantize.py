"""llama.cpp's quantizer in a child process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from runner.errors import BadModelFile, ConfigurationError
from runner.gguf import read_header
from runner.llama.imatrix import read_imatrix
from runner.llama.quantize import ROUNDING, Task, estimate, kinds, quantize
from tests.wide import MATRICES, write_imatrix, write_wide


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, tiny_path: Path) -> Path:
    return write_wide(tmp_path_factory.mktemp("wide") / "wide-F32.gguf", tiny_path)


@pytest.fixture(scope="module")
def imatrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_imatrix(tmp_path_factory.mktemp("imatrix") / "imatrix.gguf")


def test_the_kinds_are_llama_cpps() -> None:
    names = kinds()
    assert (names["F32"], names["F16"], names["Q8_0"], names["Q4_K_M"]) == (0, 1, 7, 15)
    assert not [name for name in names if "GUESSED" in name or "FTYPE" in name]


def test_the_estimate_is_what_is_made(wide: Path, tmp_path: Path) -> None:
    told: list[int] = []
    task = Task(str(wide), "Q4_K_M", notes={"runner.made_from": "é" * 100})
    expected = estimate(task)
    assert (expected.needs_imatrix, expected.unfitting) == (False, 0)
    quantize(task, tmp_path / "made.gguf", told.append)
    header = read_header(tmp_path / "made.gguf")
    assert header.weight_bytes == pytest.approx(expected.bytes, abs=ROUNDING)
    assert {tensor.type for tensor in header.tensors} == {"F32", "Q4_K", "Q6_K"}
    assert header.metadata["general.file_type"] == kinds()["Q4_K_M"]
    # llama.cpp holds 127 bytes of a text, and a character is not halved.
    assert header.metadata["runner.made_from"] == "é" * 63
    assert told == sorted(told)


def test_rows_that_do_not_fit_are_counted(tiny_path: Path) -> None:
    assert estimate(Task(str(tiny_path), "Q4_K_M", requantize=True)).unfitting > 0


def test_the_smallest_kinds_need_an_importance_matrix(
    wide: Path, imatrix: Path, tmp_path: Path
) -> None:
    assert estimate(Task(str(wide), "IQ2_XXS")).needs_imatrix
    made = tmp_path / "made.gguf"
    quantize(Task(str(wide), "IQ2_XXS", imatrix=str(imatrix)), made, lambda _: None)
    assert "IQ2_XXS" in {tensor.type for tensor in read_header(made).tensors}


def test_the_importance_matrix_matters(wide: Path, imatrix: Path, tmp_path: Path) -> None:
    files = []
    for number, matrix in enumerate((None, str(imatrix))):
        files.append(tmp_path / f"{number}.gguf")
        quantize(Task(str(wide), "Q4_K_S", imatrix=matrix), files[-1], lambda _: None)
    assert files[0].stat().st_size == files[1].stat().st_size
    assert files[0].read_bytes() != files[1].read_bytes()


def test_what_an_importance_matrix_says(imatrix: Path) -> None:
    values = read_imatrix(imatrix).values
    assert {name: len(array) for name, array in values.items()} == {
        f"blk.0.{name}.weight": shape[0] for name, shape in MATRICES.items()
    }
    assert all(np.all((array >= 0.01) & (array <= 0.09)) for array in values.values())


def test_an_importance_matrix_of_another_model(wide: Path, tmp_path: Path) -> None:
    other = write_imatrix(tmp_path / "other.gguf", columns=64)
    with pytest.raises(ConfigurationError, match="does not suit"):
        quantize(
            Task(str(wide), "IQ2_XXS", imatrix=str(other)), tmp_path / "m.gguf", lambda _: None
        )


def test_what_is_no_importance_matrix(wide: Path, tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="holds no importance matrix"):
        read_imatrix(wide)
    with pytest.raises(BadModelFile, match="no counts for"):
        read_imatrix(write_imatrix(tmp_path / "half.gguf", without="attn_q"))


def test_quantized_again_only_when_asked(tiny_path: Path, tmp_path: Path) -> None:
    task = Task(str(tiny_path), "Q4_0")
    with pytest.raises(BadModelFile, match="requantizing from type q8_0 is disabled"):
        quantize(task, tmp_path / "made.gguf", lambda _: None)


def test_what_makes_llama_cpp_abort_is_a_line(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    key = b".block_count\x04\x00\x00\x00"
    path.write_bytes(tiny_path.read_bytes().replace(key + b"\x05", key + b"\x00"))
    with pytest.raises(BadModelFile, match=r"bad\.gguf"):
        quantize(Task(str(path), "F16", requantize=True), tmp_path / "made.gguf", lambda _: None)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe in the file system")
def test_the_child_ends_with_its_parent(wide: Path, tmp_path: Path) -> None:
    # llama.cpp waits here until somebody reads, which nobody does.
    target = tmp_path / "pipe"
    os.mkfifo(target)
    script = (
        "from pathlib import Path\n"
        "from runner.llama.quantize import Task, quantize\n"
        f"quantize(Task({str(wide)!r}, 'F16'), Path({str(target)!r}), lambda _: None)"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        children: list[psutil.Process] = []
        while not children and parent.poll() is None:
            children = psutil.Process(parent.pid).children()
        parent.kill()
    assert children
    psutil.wait_procs(children, timeout=60)
    assert not any(child.is_running() for child in children)
    assert not target.exists()
