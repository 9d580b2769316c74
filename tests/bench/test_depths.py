"""Tests at a depth: what the cache holds before each run, on every kind of cache, and how often it
has to be filled."""

from pathlib import Path

import pytest

from runner.bench import order
from runner.bench.arms import Arm
from runner.bench.bench_model import BenchModel
from runner.bench.workloads import Workload, synthetic
from runner.engine.events import Finish
from runner.engine.stream import Stream
from runner.models import Located
from runner.settings import Settings
from tests.engine.kinds import KINDS, path_of

DEPTHS = (0, 64, 1500)  # more than a window and a batch
TESTS = synthetic([600], [8], depths=DEPTHS)


def run_blocks(model: BenchModel, tests: tuple[Workload, ...], blocks: int) -> None:
    """As an arm alone is measured; each run must find the depth it is after, and nothing else."""
    for block in range(blocks):
        for test in order.shuffled(tests, 0, block):
            for half in (0, 1):
                sample = model.run(test, f"{block} {half}")
                assert (test.name, sample.cached_tokens) == (test.name, test.depth)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_cache_holds_the_depth(shared: Path, kind: str) -> None:
    located = Located(path_of(shared, kind), kind, None)
    model = BenchModel(Arm(kind, located, Settings(threads=1, ctx=2304)), TESTS)
    try:
        assert not model.loaded.left_out
        run_blocks(model, TESTS, 2)
    finally:
        model.close()


def test_the_cache_is_filled_once_in_two_blocks(
    tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = synthetic([16], [4], depths=[0, 64, 128])
    read = list[int]()
    drain = Stream.drain

    def counted(stream: Stream) -> Finish:
        finish = drain(stream)
        read.append(finish.timings.prompt_tokens - finish.timings.reused_tokens)
        return finish

    fill = BenchModel._fill

    def filling(model: BenchModel, depth: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Stream, "drain", counted)
            fill(model, depth)

    monkeypatch.setattr(BenchModel, "_fill", filling)
    model = BenchModel(Arm("tiny", Located(tiny_path, "tiny", "Q8_0"), Settings(threads=1)), tests)
    try:
        run_blocks(model, tests, 4)
    finally:
        model.close()
    # Up to both depths in the blocks 0 and 2; all other runs find what they need but a token.
    assert len(read) == 4 * 2 * 4
    assert sorted(one for one in read if one > 1) == [65] * 4
