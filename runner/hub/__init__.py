"""Hugging Face: search, what a repository holds, the headers of its files without their weights,
and its files fetched whole and verified.

The only room that imports huggingface_hub, and only once something has to be asked of the Hub.
`Hub` too is imported where it is first asked for: to tell a file's quantization takes none.
"""

from typing import TYPE_CHECKING, Any

from runner.hub.choose import Variant, choose, is_companion, parts_of, quantization_of, variants
from runner.hub.fetched import Fetched
from runner.hub.listing import Listing, RemoteFile
from runner.hub.retry import Patience
from runner.hub.search import Found

if TYPE_CHECKING:
    from runner.hub.client import Hub

__all__ = [
    "Fetched",
    "Found",
    "Hub",
    "Listing",
    "Patience",
    "RemoteFile",
    "Variant",
    "choose",
    "is_companion",
    "parts_of",
    "quantization_of",
    "variants",
]


def __getattr__(name: str) -> Any:
    if name != "Hub":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from runner.hub.client import Hub

    globals()[name] = Hub
    return Hub
