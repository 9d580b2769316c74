"""Hugging Face: what a repository holds, and its files fetched whole and verified.

The only room that imports huggingface_hub, and only once something has to be asked of the Hub.
"""

from runner.hub.choose import Variant, choose, parts_of, quantization_of, variants
from runner.hub.client import Hub
from runner.hub.listing import Listing, RemoteFile
from runner.hub.part import Fetched
from runner.hub.retry import Patience

__all__ = [
    "Fetched",
    "Hub",
    "Listing",
    "Patience",
    "RemoteFile",
    "Variant",
    "choose",
    "parts_of",
    "quantization_of",
    "variants",
]
