"""How fast a file is fetched, and what kills cost: against one connection, against the download
of huggingface_hub (which verifies nothing), and in bytes.

    python -m tests.performance.fetching [--size 1e9] [--repeat 5] [--folder FOLDER]

Everything runs over the loopback interface; the server is a process of its own. Times are of the
call alone, in a fresh process each; the two programs take turns. Leave the machine alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.journal import Journal
from tests.performance.cdn import COMMIT, FILE, REPOSITORY, sha256_of, write_random

RUNNER = """
import sys, time
from pathlib import Path
import runner.hub.stack, runner.hub.transfer
from runner.hub import Hub, Listing, RemoteFile
repository, commit, name, size, sha256, destination, most = sys.argv[1:]
runner.hub.transfer.MOST_CONNECTIONS = int(most)
file = RemoteFile(name, int(size), sha256)
listing = Listing(repository, commit, False, None, (file,))
began, worked = time.perf_counter(), time.process_time()
Hub(remark=lambda text: print(text, file=sys.stderr)).fetch(listing, file, Path(destination))
print(time.perf_counter() - began, time.process_time() - worked)
"""

THEIRS = """
import sys, time
from huggingface_hub import hf_hub_download
repository, commit, name, folder = sys.argv[1:]
began, worked = time.perf_counter(), time.process_time()
hf_hub_download(repository, name, revision=commit, cache_dir=folder)
print(time.perf_counter() - began, time.process_time() - worked)
"""

KILLS = 20


class Loopback:
    """The server's address, and the file it serves."""

    def __init__(self, address: str, path: Path, folder: Path) -> None:
        self.address = address
        self.path = path
        self.destination = folder / "fetched.gguf"
        self.cache = folder / "cache"
        self.size = path.stat().st_size

    def ours(self, most: int = 8) -> "subprocess.Popen[str]":
        about = [REPOSITORY, COMMIT, FILE, str(self.size), sha256_of(self.path)]
        return self._start(RUNNER, *about, str(self.destination), str(most))

    def theirs(self) -> "subprocess.Popen[str]":
        return self._start(THEIRS, REPOSITORY, COMMIT, FILE, str(self.cache))

    def _start(self, code: str, *arguments: str) -> "subprocess.Popen[str]":
        settings = {
            "HF_ENDPOINT": self.address,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
        }
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.Popen(command, env=os.environ | settings, stdout=-1, text=True)

    def seconds(self, start: Callable[[], "subprocess.Popen[str]"]) -> tuple[float, float]:
        """The time that one fetch takes, and the processors' time; what it fetched is removed."""
        os.sync()
        output, _ = start().communicate()
        self.destination.unlink(missing_ok=True)
        for path in self.cache.rglob("*"):
            if path.is_file() and not path.is_symlink():
                path.unlink()
        for path in self.cache.rglob("*"):
            if path.is_symlink():
                path.unlink()
        elapsed, worked = output.split()
        return float(elapsed), float(worked)

    def sent(self) -> int:
        with urllib.request.urlopen(f"{self.address}/sent") as response:
            return int(response.read())


@contextmanager
def serving(path: Path, folder: Path, rate: float = 0) -> Iterator[Loopback]:
    command = [sys.executable, "-m", "tests.performance.cdn", str(path), "--rate", str(rate)]
    with subprocess.Popen(command, stdout=-1, text=True) as server:
        assert server.stdout is not None
        try:
            yield Loopback(server.stdout.readline().strip(), path, folder)
        finally:
            server.kill()


def several_connections(path: Path, folder: Path) -> None:
    """The CDN gives each connection 20 MB/s."""
    with serving(path, folder, rate=20e6) as loopback:
        several, _ = loopback.seconds(loopback.ours)
        one, _ = loopback.seconds(lambda: loopback.ours(1))
    print(f"20 MB/s a connection: {one:.1f} s with one, {several:.1f} s: {one / several:.2f} times")


def unlimited(path: Path, folder: Path, repeat: int) -> None:
    """As fast as loopback goes, in turns with huggingface_hub's own download."""
    ours, theirs = [], []
    with serving(path, folder) as loopback:
        for _ in range(repeat):
            theirs.append(loopback.seconds(loopback.theirs))
            ours.append(loopback.seconds(loopback.ours))
    for index, what in enumerate(("unlimited", "processor time")):
        mine, other = [each[index] for each in ours], [each[index] for each in theirs]
        ratios = [one / another for one, another in zip(mine, other, strict=True)]
        print(
            f"{what}: {statistics.median(mine):.2f} s ({min(mine):.2f} to {max(mine):.2f}) against "
            f"{statistics.median(other):.2f} s ({min(other):.2f} to {max(other):.2f}): "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def kills(path: Path, folder: Path, rate: float) -> None:
    """Killed at twenty places that are equally far apart."""
    with serving(path, folder, rate) as loopback:
        journal = Journal(folder / "fetched.gguf.part.journal")
        for number in range(1, KILLS + 1):
            process = loopback.ours()
            while journal.arrived() < number * loopback.size / (KILLS + 1):
                time.sleep(0.005)
            process.kill()
            process.wait()
        output, _ = loopback.ours().communicate()
        assert output, "the last run failed"
        loopback.destination.unlink()
        ratio = loopback.sent() / loopback.size
    at = f"{rate / 1e6:.0f} MB/s a connection" if rate else "unlimited"
    print(f"killed {KILLS} times, {at}: {ratio:.4f} times its size was sent")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=1e9)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="on the disk to fetch to; default: temporary")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        path = folder / "served.gguf"
        write_random(path, int(options.size))
        unlimited(path, folder, options.repeat)
        several_connections(path, folder)
        kills(path, folder, 20e6)
        kills(path, folder, 0)


if __name__ == "__main__":
    main()
