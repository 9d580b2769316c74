"""A published model, and a Hub whose patience is short enough for tests."""

import hashlib
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from runner import pieces
from runner.hub import Hub, Listing, Patience, RemoteFile
from runner.journal import Journal
from runner.pieces import Pieces
from tests.loopback import LoopbackHub

KIB, MIB = 1 << 10, 1 << 20
REPOSITORY = "org/model-GGUF"
FILE = "model-Q4_K_M.gguf"
DATA = random.Random(7).randbytes(3 * MIB + 12345)


@dataclass
class Bench:
    """One model on a stand-in Hub, a client of it, and a place to put the model."""

    server: LoopbackHub
    hub: Hub
    data: bytes
    destination: Path
    remarks: list[str]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def part(self) -> Path:
        return self.destination.with_name(FILE + ".part")

    @property
    def journal(self) -> Journal:
        return Journal(self.destination.with_name(FILE + ".part.journal"))

    def listing(self) -> Listing:
        return self.hub.listing(REPOSITORY)

    def file(self) -> tuple[Listing, RemoteFile]:
        listing = self.listing()
        return listing, listing.file(FILE)

    def fetch(self) -> list[int]:
        """Fetch the model, and hold it against the original; the progress that was reported."""
        seen: list[int] = []
        listing, file = self.file()
        fetched = self.hub.fetch(listing, file, self.destination, progress=seen.append)
        assert (fetched.path, fetched.bytes) == (self.destination, len(self.data))
        assert fetched.sha256 == file.sha256 == self.sha256
        assert fetched.pieces == self.pieces(fetched.pieces.size)
        self.is_here()
        assert not seen or seen[-1] == len(self.data)
        assert seen == sorted(seen)
        return seen

    def is_here(self) -> None:
        """The file is in its place, right, and nothing beside it."""
        assert self.destination.read_bytes() == self.data
        assert [path.name for path in self.destination.parent.iterdir()] == [FILE]

    def pieces(self, size: int) -> Pieces:
        at = range(0, len(self.data), size)
        return Pieces(size, tuple(hashlib.sha256(self.data[i : i + size]).digest() for i in at))

    def soon_out_of_patience(self) -> None:
        """For tests of a server that keeps silent."""
        self.hub.patience = replace(self.hub.patience, timeout=0.3)

    def asked(self) -> list[tuple[int, int]]:
        """Start and end of each range that the CDN was asked for; (0, 0) where for no range."""
        found = []
        for request in self.server.seen("cdn"):
            start, _, last = (request.range or "bytes=0--1").removeprefix("bytes=").partition("-")
            found.append((int(start), int(last) + 1))
        return found

    def rest(self, start: int) -> tuple[int, int]:
        return start, len(self.data)

    def sent(self) -> int:
        return sum(request.sent for request in self.server.seen("cdn"))

    def leave_part(self, data: bytes, **about: object) -> None:
        """What an earlier run left behind: the file's beginning, with `about` altered in its
        note."""
        self.part.parent.mkdir(parents=True)
        self.part.write_bytes(data)
        size = pieces.PIECE
        note = {"bytes": len(self.data), "sha256": self.sha256, "piece": size}
        self.part.with_name(FILE + ".part.json").write_text(json.dumps(note | about))
        records = {}
        for piece, start in enumerate(range(0, len(data), size)):
            held = data[start : start + size]
            records[piece] = (len(held), hashlib.sha256(held).digest())
        journal = self.journal
        journal.begin(records)
        journal.close()

    def kept(self) -> int:
        """How many bytes are kept of an unfinished fetch; they are the file's beginning."""
        size = self.journal.arrived()
        assert self.part.read_bytes()[:size] == self.data[:size]
        return size


@pytest.fixture
def bench(loopback_hub: LoopbackHub, tmp_path: Path) -> Bench:
    loopback_hub.add(REPOSITORY, {FILE: DATA, "README.md": b"# Model\n"})
    remarks: list[str] = []
    patience = Patience(timeout=5, attempts=4, first_wait=0.001, longest_wait=0.001)
    hub = Hub(patience=patience, remark=remarks.append)
    return Bench(loopback_hub, hub, DATA, tmp_path / "org" / "model-GGUF" / FILE, remarks)


@pytest.fixture(name="pieces")
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    """The model in 13 pieces instead of one, so that there is work for several connections."""
    size = 256 * KIB
    monkeypatch.setattr("runner.pieces.PIECE", size)
    return size
