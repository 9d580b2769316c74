"""From a file to a model that gives vectors of texts: checked, placed and loaded."""

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import DoesNotFit
from runner.models.find import Located
from runner.models.probed import probe_once
from runner.models.used import in_use
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.embed import Embedder
    from runner.gguf import Header

LONGEST = 2048
"""Tokens of a text, where nobody asked for more: memory is taken for all of them at once."""

LOGITS_ROOM = 2**30
"""Bytes for what llama.cpp computes beside the vectors, where nobody asked for a context."""


def embedder(
    located: Located, settings: Settings, *, progress: Callable[[float], bool] | None = None
) -> "Embedder":
    """Raises BadModelFile, DoesNotFit, DeviceError."""
    from runner import machine
    from runner.engine.embed import Embedder
    from runner.fit import Wishes, place
    from runner.gguf import read_header
    from runner.llama import library

    library.set_verbose(bool(settings.verbose))
    wishes = Wishes(
        context=settings.ctx,
        gpu_layers=settings.gpu_layers,
        device=settings.device,
        require_gpu=bool(settings.require_gpu),
        threads=settings.threads,
        threads_batch=settings.threads_batch,
        mmap=settings.mmap is not False,
        repack=settings.repack is not False,
    )
    placement = place(located.path, wishes)
    cost = _bytes_per_token(read_header(located.path))
    tokens = settings.ctx or min(placement.context, LONGEST, LOGITS_ROOM // max(cost, 1))
    if tokens * cost > (free := machine.memory().available):
        raise DoesNotFit(
            f"texts of {tokens} tokens need {tokens * cost / 2**30:.1f} GiB beside the model, and "
            f"{free / 2**30:.1f} GiB are free",
            remedy="Choose a smaller --ctx.",
        )
    probe_once(located)
    loaded = Embedder.open(located.path, replace(placement, context=tokens), progress=progress)
    weakref.finalize(loaded, in_use(located))
    return loaded


def _bytes_per_token(header: "Header") -> int:
    """What a token of a text costs beside the cache: for models that also generate text, llama.cpp
    computes a row of logits for each, and copies it."""
    if header.of_architecture("attention.causal") is False:
        return 0
    return 2 * 4 * int(header.metadata.get("tokenizer.ggml.tokens", 0))
