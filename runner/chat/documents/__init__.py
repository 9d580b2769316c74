"""Documents that come with a message: files of many kinds, read as text."""

from runner.chat.documents.mentions import mentions
from runner.chat.documents.reading import LARGEST, Progress, from_bytes, gather, read

__all__ = ["LARGEST", "Progress", "from_bytes", "gather", "mentions", "read"]
