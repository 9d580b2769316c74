"""Fetches in processes of their own: one is killed, two want the same file."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hub.conftest import FILE, MIB, REPOSITORY, Bench

ROOT = Path(__file__).parents[2]


@contextmanager
def fetching(bench: Bench) -> Iterator["subprocess.Popen[str]"]:
    """A process that fetches the model; killed if the test ends before it."""
    command = [sys.executable, "-m", "tests.hub.fetching", REPOSITORY, FILE, str(bench.destination)]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(bench: Bench, size: int) -> None:
    """Wait until the part has `size` bytes."""
    while not (bench.part.exists() and bench.part.stat().st_size >= size):
        time.sleep(0.01)


def test_a_killed_fetch_is_continued_by_another_run(bench: Bench) -> None:
    bench.server.fault("cdn", "stall", at=2 * MIB)
    with fetching(bench) as process:
        wait_for(bench, 2 * MIB)
        process.kill()
        assert process.wait() != 0
    assert bench.part.read_bytes() == bench.data[: 2 * MIB]
    with fetching(bench) as process:
        assert process.communicate()[0].strip() == bench.sha256
        assert process.returncode == 0
    first, second = bench.server.seen("cdn")
    assert (first.sent, first.range) == (2 * MIB, None)
    assert (second.sent, second.range) == (len(bench.data) - 2 * MIB, f"bytes={2 * MIB}-")
    assert bench.destination.read_bytes() == bench.data
    assert [path.name for path in bench.destination.parent.iterdir()] == [FILE]


def test_two_processes_fetch_a_file_once(bench: Bench) -> None:
    bench.server.fault("cdn", "hold", at=MIB)
    with fetching(bench) as one:
        wait_for(bench, MIB)
        with fetching(bench) as other:
            assert other.stdout is not None
            assert "another process is fetching" in other.stdout.readline()
            bench.server.released.set()
            assert one.communicate()[0].strip() == bench.sha256
            assert other.communicate()[0].strip() == bench.sha256
    assert (one.returncode, other.returncode) == (0, 0)
    (only,) = bench.server.seen("cdn")
    assert only.sent == len(bench.data)
    assert bench.destination.read_bytes() == bench.data
    assert [path.name for path in bench.destination.parent.iterdir()] == [FILE]


def test_the_one_that_waited_takes_over_from_a_killed_one(bench: Bench) -> None:
    bench.server.fault("cdn", "stall", at=MIB)
    with fetching(bench) as one:
        wait_for(bench, MIB)
        with fetching(bench) as other:
            assert other.stdout is not None
            assert "waiting for it" in other.stdout.readline()
            one.kill()
            assert other.communicate()[0].strip() == bench.sha256
    assert bench.server.seen("cdn")[-1].range == f"bytes={MIB}-"
