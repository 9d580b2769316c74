from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize

from runner.gguf import read_header
from runner.machine.measuring import TYPES
from runner.machine.synthetic import NUMBERS, SCALES, Form, write_model


def form(kind: str) -> Form:
    return Form(kind, layers=2, width=256, feed_forward=512, heads=4, kv_heads=2)


@pytest.mark.parametrize("kind", [*SCALES, "F16", "BF16", "F32"])
def test_weights_are_finite_and_differ(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "synthetic.gguf"
    write_model(path, form(kind))
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    up = tensors["blk.1.ffn_up.weight"]
    assert up.tensor_type.name == kind
    weights = dequantize(up.data, up.tensor_type)
    assert weights.shape == (512, 256)
    assert np.isfinite(weights).all()
    assert 0 < np.abs(weights).mean() < 1
    assert len(np.unique(weights)) > 10


def test_the_form_knows_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.gguf"
    write_model(path, form("Q6_K"))
    header = read_header(path)
    layer = [t for t in header.tensors if t.name.startswith("blk.1.") and len(t.shape) == 2]
    assert sum(tensor.bytes or 0 for tensor in layer) == form("Q6_K").layer_bytes


def test_every_type_that_is_measured_can_be_written() -> None:
    assert all(kind in NUMBERS and (kind in SCALES or kind == "F16") for kind in TYPES)
