"""A process that fetches one file, for tests that kill it or run several.

Usage: python -m tests.hub.fetching REPOSITORY FILE DESTINATION [PIECE]
It prints what the Hub remarks as it comes, and the sha256 in the end. PIECE is the size in bytes
of the pieces that the file is fetched in.
"""

import sys
from pathlib import Path

import runner.pieces
from runner.hub import Hub, Patience


def say(text: str) -> None:
    print(text, flush=True)


def main(repository: str, file: str, destination: str, piece: str | None = None) -> None:
    if piece:
        runner.pieces.PIECE = int(piece)
    hub = Hub(patience=Patience(timeout=30.0), remark=say)
    listing = hub.listing(repository)
    say(hub.fetch(listing, listing.file(file), Path(destination)).sha256)


if __name__ == "__main__":
    main(*sys.argv[1:])
