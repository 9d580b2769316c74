"""The one way from a name to a model ready to run: find it, fetch it, place it, load it.

Sampling and context come from the user, else from the catalogue, else from the model's file, else
from the program; each value's origin is kept, so that a command can show it.
"""

from runner.models.embedding import embedder
from runner.models.fetch import FetchProgress, pull, remove
from runner.models.find import Located, here, locate, shipped, suggestion
from runner.models.kept import KeptPrompt, kept_prompts, purge_prompts
from runner.models.ready import Ready, ready

__all__ = [
    "FetchProgress",
    "KeptPrompt",
    "Located",
    "Ready",
    "embedder",
    "here",
    "kept_prompts",
    "locate",
    "pull",
    "purge_prompts",
    "ready",
    "remove",
    "shipped",
    "suggestion",
]
