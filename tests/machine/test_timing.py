from pathlib import Path

import pytest

from runner.errors import DeviceError
from runner.machine.synthetic import Form
from runner.machine.timing import BATCH, Bench

SMALL = Form("Q4_K", layers=2, width=256, feed_forward=256, heads=2, kv_heads=1)


def test_tokens_are_computed_at_any_depth(tmp_path: Path) -> None:
    with Bench(tmp_path, SMALL, device=None, threads=1) as bench:
        assert bench.compute(BATCH) > 0
        assert bench.usual(1, BATCH) > 0
        assert bench.length == BATCH + 1
        bench.return_to(0)
        assert bench.compute(1) > 0
        assert bench.length == 1


def test_on_a_device(tmp_path: Path, workers: tuple[str, str]) -> None:
    from runner.fit.workers import devices_with

    (device,) = [one for one in devices_with(workers[0]) if one.worker]
    with Bench(tmp_path, SMALL, device=device.name, threads=1) as bench:
        assert bench.compute(BATCH) > 0
        assert bench.usual(1) > 0


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="CUDA99"):
        Bench(tmp_path, SMALL, device="CUDA99", threads=1)
