"""Where a model is put, and what is said when it cannot be."""

import os
import struct
from pathlib import Path

import pytest

from runner.errors import BadModelFile, DeviceError, DoesNotFit
from runner.fit import Wishes, place
from runner.fit.header import words_of
from runner.fit.here import Here
from runner.fit.placement import formula_plan
from runner.fit.workers import devices_with
from runner.gguf import read_header, read_whole_header
from tests.gguf.test_header import write_model


def write_huge_model(path: Path) -> Path:
    """A sparse GGUF that says, and has, 4 TB of weights."""
    write_model(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"blk.0.attn_k.weight") + len(b"blk.0.attn_k.weight") + 4
    data[at : at + 8] = struct.pack("<Q", 2**38)
    path.write_bytes(data)
    os.truncate(path, len(data) + 2**38 * 4 * 4)
    return path


def test_defaults_come_from_the_model_and_the_machine(tiny_path: Path) -> None:
    placement = place(tiny_path, Wishes())
    trained = read_header(tiny_path).of_architecture("context_length")
    assert placement.context == trained >= 2048
    assert placement.threads >= 1
    assert placement.kv_type == "f16"


def test_wishes_are_kept(tiny_path: Path) -> None:
    placement = place(tiny_path, Wishes(context=512, threads=1, kv_type="q8_0", gpu_layers=0))
    assert (placement.context, placement.threads, placement.kv_type) == (512, 1, "q8_0")


def test_a_context_beyond_the_models_own_is_remarked_on(tiny_path: Path) -> None:
    trained = read_header(tiny_path).of_architecture("context_length")
    (remark,) = place(tiny_path, Wishes(context=2 * trained)).remarks
    assert f"trained for {trained} tokens" in remark
    assert place(tiny_path, Wishes(context=trained)).remarks == ()


def test_a_context_beyond_memory_is_refused_with_figures(tiny_path: Path) -> None:
    with pytest.raises(DoesNotFit, match=r"needs \d+\.\d GiB .* and \d+\.\d GiB are free"):
        place(tiny_path, Wishes(context=2**31 - 256))


def test_a_model_larger_than_memory_is_refused(tmp_path: Path) -> None:
    try:
        path = write_huge_model(tmp_path / "huge.gguf")
    except OSError as error:
        pytest.skip(f"this file system holds no sparse file of 4 TB: {error}")
    with pytest.raises(DoesNotFit, match=r"huge\.gguf needs"):
        place(path, Wishes())


def test_a_required_gpu_that_is_not_there(tiny_path: Path) -> None:
    if any(device.kind in ("gpu", "igpu") for device in devices_with(None)):
        pytest.skip("this build has a GPU")
    with pytest.raises(DeviceError, match="a GPU is required"):
        place(tiny_path, Wishes(require_gpu=True))


def test_a_bad_file_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(BadModelFile):
        place(path, Wishes())


def test_a_very_small_model_has_one_thread_to_itself(tiny_path: Path) -> None:
    assert place(tiny_path, Wishes()).threads == 1
    assert place(tiny_path, Wishes(threads=2)).threads == 2


def test_logits_that_are_kept_take_room(tiny_path: Path) -> None:
    header, here = read_whole_header(tiny_path), Here(2**40)
    few, many = (
        formula_plan(header, Wishes(context=256, outputs=outputs), here) for outputs in (None, 512)
    )
    words = words_of(header)
    assert many.needed(256) - few.needed(256) == 4 * words * (512 - Wishes().sequences)
