"""What llama.cpp refuses is an error with its reason."""

from pathlib import Path

import pytest

from runner.errors import RunnerError
from runner.llama.context import Batch, LlamaContext
from runner.llama.model import LlamaModel


def test_a_token_that_is_none(tiny_path: Path) -> None:
    model = LlamaModel(tiny_path, gpu_layers=0)
    context = LlamaContext(model, context=256, batch=64, threads=1)
    batch = Batch(64)
    batch.add([model.vocabulary.size], 0, 0, logits=1)
    with pytest.raises(RunnerError, match=r"refused to compute \(code -1\): .*invalid token"):
        context.decode(batch)
    batch.clear()
    batch.add([1], 0, 0, logits=1)
    context.decode(batch)
    assert context.logits(0).shape == (model.vocabulary.size,)
    context.close()
    model.close()
