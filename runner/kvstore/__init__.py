"""Prefixes that were read once, kept on disk under an opaque identity. Knows nothing of what they
say, nor of what computed them."""

from runner.kvstore.entry import Entry
from runner.kvstore.store import Store

__all__ = ["Entry", "Store"]
