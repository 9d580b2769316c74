"""From a file to a model that says how likely texts are: checked, placed and loaded."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.models.adapted import adapters_of
from runner.models.find import Located
from runner.models.probed import probe_once
from runner.models.used import in_use
from runner.models.wishes import wishes_of
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.scoring import Scorer
    from runner.llama.vocabulary import Vocabulary


@contextmanager
def vocabulary_of(located: Located) -> "Iterator[Vocabulary]":
    """The model's vocabulary alone, to see what a text will need before there is room for it.
    Raises BadModelFile."""
    from runner.llama.model import LlamaModel

    probe_once(located)
    model = LlamaModel(located.path, gpu_layers=0, allocate=False)
    try:
        yield model.vocabulary
    finally:
        model.close()


def scorer(
    located: Located,
    settings: Settings,
    *,
    context: int,
    sequences: int = 1,
    progress: Callable[[float], bool] | None = None,
) -> "Scorer":
    """The model with room for `context` tokens of `sequences` texts together, its adapters in use.

    Raises BadModelFile, ConfigurationError, DoesNotFit, DeviceError.
    """
    from runner.engine.scoring import Scorer, rows_of
    from runner.fit import place
    from runner.fit.header import words_of
    from runner.gguf import read_whole_header
    from runner.llama import library

    library.set_verbose(bool(settings.verbose))
    adapters = adapters_of(settings)
    wishes = replace(wishes_of(settings), context=context, sequences=sequences)
    rows = rows_of(words_of(read_whole_header(located.path)), wishes.tokens_handed)
    placement = place(located.path, replace(wishes, outputs=max(rows, sequences)))
    probe_once(located)
    loaded = Scorer.open(located.path, placement, adapters=adapters, progress=progress)
    weakref.finalize(loaded, in_use(located))
    return loaded
