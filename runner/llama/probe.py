"""Tries a model file in a child process first: llama.cpp aborts on some damaged files.

The child loads the file without its weights and builds a small context, or, where the weights are
to be proved too, loads all of it and computes a token. A crash there is a line here.
"""

from pathlib import Path

from runner.errors import BadModelFile
from runner.llama.child import CRASH_TIMEOUT, answer, ask

SLOWEST_DISK = 10**7  # bytes/s


def probe(path: Path, *, weights: bool = False) -> None:
    """Raise BadModelFile where llama.cpp refuses `path`, dies over it or does not come back."""
    patience = CRASH_TIMEOUT + (path.stat().st_size // SLOWEST_DISK if weights else 0)
    ask("runner.llama.probe", path, weights, timeout=patience)


def _try(path: Path, weights: bool) -> None:
    if weights:
        _compute_a_token(path)
    else:
        _load_without_weights(path)


def _load_without_weights(path: Path) -> None:
    from runner.llama.context import LlamaContext
    from runner.llama.model import LlamaModel

    model = LlamaModel(path, gpu_layers=0, allocate=False)
    if model.generates_text:
        LlamaContext(model, context=256, batch=64, threads=1).close()
    model.close()


def _compute_a_token(path: Path) -> None:
    import numpy as np

    from runner.llama.context import Batch, LlamaContext
    from runner.llama.model import LlamaModel

    model = LlamaModel(path, gpu_layers=0)
    if model.generates_text and not model.translates:
        context = LlamaContext(model, context=256, batch=64, threads=1)
        batch = Batch(1)
        batch.add([max(model.vocabulary.bos, 0)], 0, 0, logits=1)
        context.decode(batch)
        if not np.isfinite(context.logits(0)).all():
            raise BadModelFile(f"{path.name} computes what is no number")
        context.close()
    model.close()


if __name__ == "__main__":
    answer(_try)
