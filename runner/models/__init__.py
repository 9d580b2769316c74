"""The one way from a name to a model ready to run: find it, fetch it, place it, load it.

Sampling and context come from the user, else from the catalogue, else from the model's file, else
from the program; each value's origin is kept, so that a command can show it.

The names below are imported where they are first asked for: a list of models need not wait for what
fetches and plans them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.models.bring import FetchProgress
    from runner.models.embedding import embedder
    from runner.models.fetch import pull
    from runner.models.find import Located, contexts, here, locate, of_others, shipped
    from runner.models.kept import KeptPrompt, kept_prompts, purge_prompts
    from runner.models.loading import Ready, ready
    from runner.models.maintenance import Refreshed, refresh
    from runner.models.picking import Picked, offer, pick
    from runner.models.removal import Removed, remove, to_remove
    from runner.models.scoring import scorer, vocabulary_of
    from runner.models.search import found_here, known
    from runner.models.update import Change, Source, sources

_PLACES = {
    "bring": ("FetchProgress",),
    "embedding": ("embedder",),
    "fetch": ("pull",),
    "find": ("Located", "contexts", "here", "locate", "of_others", "shipped"),
    "kept": ("KeptPrompt", "kept_prompts", "purge_prompts"),
    "loading": ("Ready", "ready"),
    "maintenance": ("Refreshed", "refresh"),
    "picking": ("Picked", "offer", "pick"),
    "removal": ("Removed", "remove", "to_remove"),
    "scoring": ("scorer", "vocabulary_of"),
    "search": ("found_here", "known"),
    "update": ("Change", "Source", "sources"),
}
_PLACE = {name: place for place, names in _PLACES.items() for name in names}

__all__ = [
    "Change",
    "FetchProgress",
    "KeptPrompt",
    "Located",
    "Picked",
    "Ready",
    "Refreshed",
    "Removed",
    "Source",
    "contexts",
    "embedder",
    "found_here",
    "here",
    "kept_prompts",
    "known",
    "locate",
    "of_others",
    "offer",
    "pick",
    "pull",
    "purge_prompts",
    "ready",
    "refresh",
    "remove",
    "scorer",
    "shipped",
    "sources",
    "to_remove",
    "vocabulary_of",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACE[name]}"), name)
    globals()[name] = value
    return value
