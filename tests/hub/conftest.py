"""A published model, and a Hub whose patience is short enough for tests."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.hub import Hub, Listing, Patience, RemoteFile
from tests.loopback import LoopbackHub

MIB = 1 << 20
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

    def listing(self) -> Listing:
        return self.hub.listing(REPOSITORY)

    def fetch(self) -> list[int]:
        """Fetch the model, and hold it against the original; the progress that was reported."""
        seen: list[int] = []
        listing = self.listing()
        file = listing.file(FILE)
        fetched = self.hub.fetch(listing, file, self.destination, progress=seen.append)
        assert (fetched.path, fetched.bytes) == (self.destination, len(self.data))
        assert fetched.sha256 == file.sha256 == self.sha256
        assert self.destination.read_bytes() == self.data
        assert [path.name for path in self.destination.parent.iterdir()] == [FILE]
        assert not seen or seen[-1] == len(self.data)
        return seen

    def file(self) -> tuple[Listing, RemoteFile]:
        listing = self.listing()
        return listing, listing.file(FILE)


@pytest.fixture
def bench(loopback_hub: LoopbackHub, tmp_path: Path) -> Bench:
    loopback_hub.add(REPOSITORY, {FILE: DATA, "README.md": b"# Model\n"})
    remarks: list[str] = []
    patience = Patience(timeout=0.3, attempts=4, first_wait=0.001, longest_wait=0.001)
    hub = Hub(patience=patience, remark=remarks.append)
    return Bench(loopback_hub, hub, DATA, tmp_path / "org" / "model-GGUF" / FILE, remarks)
