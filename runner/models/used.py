"""That a model is in use, and that it was used now."""

from collections.abc import Callable

from runner.library import Library
from runner.models.find import Located


def in_use(*models: Located) -> Callable[[], None]:
    """Keep `runner rm` from deleting the files of models that were loaded until the result is
    called, and record that they were used."""
    from runner.library import uses

    for one in models:
        if one.record is not None:
            Library().touch(one.record)
    return uses.mark([path for one in models for path in one.paths])
