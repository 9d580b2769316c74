"""A stretch of a file on the Hub, small enough for memory."""

from runner.hub.retry import Transient
from runner.hub.source import BadRange, Source


def read_range(source: Source, claim: range) -> bytes:
    """These bytes of a file. A server that has no ranges is read up to them and then left.

    Raises what `source.open` does.
    """
    if source.ranges:
        try:
            with source.open(claim) as chunks:
                return b"".join(chunks)
        except BadRange:
            source.ranges = False
    data = bytearray()
    with source.open(claim) as chunks:
        for chunk in chunks:
            data += chunk
            if len(data) >= claim.stop:
                return bytes(data[claim.start : claim.stop])
    raise Transient("the connection was closed early")
