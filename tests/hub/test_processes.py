"""Fetches in processes of their own: killed, and several that want the same file."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from runner.hub.transfer import BLOCK
from tests.hub.conftest import FILE, KIB, MIB, REPOSITORY, Bench

ROOT = Path(__file__).parents[2]
PIECE = 256 * KIB


@contextmanager
def fetching(bench: Bench, piece: int = PIECE) -> Iterator["subprocess.Popen[str]"]:
    """A process that fetches the model; killed if the test ends before it."""
    command = [sys.executable, "-m", "tests.hub.fetching"]
    with subprocess.Popen(
        [*command, REPOSITORY, FILE, str(bench.destination), str(piece)],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: "subprocess.Popen[str]", bench: Bench, size: int) -> None:
    """Wait until so many bytes have arrived, but for those that wait for a block to be full."""
    while bench.journal.arrived() <= size - BLOCK:
        assert process.poll() is None, "it ended by itself"
        time.sleep(0.005)


def test_a_killed_fetch_is_continued_by_another_run(bench: Bench) -> None:
    bench.server.fault("cdn", "stall", at=2 * MIB)
    with fetching(bench, 16 * MIB) as process:
        wait_for(process, bench, 2 * MIB)
        process.kill()
        assert process.wait() != 0
    kept = bench.kept()
    with fetching(bench, 16 * MIB) as process:
        assert process.communicate()[0].strip() == bench.sha256
        assert process.returncode == 0
    assert bench.asked() == [bench.rest(0), bench.rest(kept)]
    assert bench.sent() <= len(bench.data) + BLOCK
    bench.is_here()


SIGNALS = [signal.SIGINT, signal.SIGTERM] + ([] if sys.platform == "win32" else [signal.SIGKILL])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to a process")
def test_signals_at_any_moment_lose_next_to_nothing(bench: Bench) -> None:
    bench.server.rate = 4 * MIB
    chance = random.Random(3)
    for number in range(1, 7):
        with fetching(bench) as process:
            wait_for(process, bench, number * len(bench.data) // 8)
            time.sleep(chance.uniform(0, 0.02))
            process.send_signal(SIGNALS[number % 3])
            assert process.wait() != 0
    bench.server.rate = None
    with fetching(bench) as process:
        assert process.communicate()[0].splitlines()[-1] == bench.sha256
    bench.is_here()
    # Six runs that each began anew would send more than two files' bytes for nothing. What is on
    # its way at a signal is less, however busy the machine is.
    assert bench.sent() < 3 * len(bench.data)


@pytest.mark.parametrize("others", [1, 3])
def test_several_processes_fetch_a_file_once(bench: Bench, others: int) -> None:
    bench.server.fault("cdn", "hold", at=MIB)
    with fetching(bench, 16 * MIB) as one, ExitStack() as stack:
        wait_for(one, bench, MIB)
        waiting = [stack.enter_context(fetching(bench, 16 * MIB)) for _ in range(others)]
        for other in waiting:
            assert other.stdout is not None
            assert "another process is fetching" in other.stdout.readline()
        bench.server.released.set()
        for each in (one, *waiting):
            assert each.communicate()[0].strip() == bench.sha256
            assert each.returncode == 0
    (only,) = bench.server.seen("cdn")
    assert only.sent == len(bench.data)
    bench.is_here()


def test_the_one_that_waited_takes_over_from_a_killed_one(bench: Bench) -> None:
    bench.server.fault("cdn", "stall", at=MIB)
    with fetching(bench, 16 * MIB) as one:
        wait_for(one, bench, MIB)
        with fetching(bench, 16 * MIB) as other:
            assert other.stdout is not None
            assert "waiting for it" in other.stdout.readline()
            one.kill()
            assert other.communicate()[0].strip() == bench.sha256
    assert MIB - BLOCK < bench.asked()[-1][0] <= MIB


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to a process")
def test_a_process_that_waits_can_be_interrupted(bench: Bench) -> None:
    bench.server.fault("cdn", "hold", at=MIB)
    with fetching(bench, 16 * MIB) as one:
        wait_for(one, bench, MIB)
        with fetching(bench, 16 * MIB) as other:
            assert other.stdout is not None
            other.stdout.readline()
            other.send_signal(signal.SIGINT)
            assert other.wait() != 0
        bench.server.released.set()
        assert one.communicate()[0].strip() == bench.sha256
    bench.is_here()
