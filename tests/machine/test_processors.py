import math
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import machine
from runner.machine.cgroups import groups
from runner.machine.processors import cpu_quota, usable_threads
from runner.machine.topology import Core
from tests.machine.trees import mount, proc, write

CORES = st.lists(st.tuples(st.integers(1, 2), st.booleans()), min_size=1, max_size=12).map(
    lambda shapes: [
        Core(frozenset(range(4 * index, 4 * index + threads)), fast)
        for index, (threads, fast) in enumerate(shapes)
    ]
)


def test_hyperthreads_and_slow_cores_are_left_alone() -> None:
    cores = [Core(frozenset({0, 1})), Core(frozenset({2, 3})), Core(frozenset({4}), False)]
    assert usable_threads(cores, None, None) == 2
    assert usable_threads(cores, frozenset({0, 1, 4}), None) == 1
    assert usable_threads(cores, frozenset({4}), None) == 1


@pytest.mark.parametrize(("quota", "threads"), [(0.2, 1), (1.0, 1), (2.5, 2), (64.0, 3)])
def test_no_more_threads_than_the_quota_lets_run_at_once(quota: float, threads: int) -> None:
    cores = [Core(frozenset({index})) for index in range(3)]
    assert usable_threads(cores, None, quota) == threads


@given(CORES, st.none() | st.frozensets(st.integers(0, 50)), st.none() | st.floats(0.01, 99))
def test_threads_never_outnumber_what_there_is(
    cores: list[Core], allowed: frozenset[int] | None, quota: float | None
) -> None:
    threads = usable_threads(cores, allowed, quota)
    assert 1 <= threads <= len(cores)
    if allowed is not None:
        assert threads <= max(1, len(allowed))
    if quota is not None:
        assert threads <= max(1, math.floor(quota))


@pytest.mark.parametrize(
    ("files", "membership", "quota"),
    [
        ({"a/b/cpu.max": "max 100000"}, "0::/a/b", None),
        ({"a/b/cpu.max": "150000 100000"}, "0::/a/b", 1.5),
        ({"a/b/cpu.max": "400000 100000", "a/cpu.max": "200000 100000"}, "0::/a/b", 2.0),
        ({"a/b/cpu.max": "max"}, "0::/a/b", None),
        ({"a/b/cpu.max": ""}, "0::/a/b", None),
        ({"a/b/cpu.cfs_quota_us": -1, "a/b/cpu.cfs_period_us": 100000}, "4:cpu:/a/b", None),
        ({"a/b/cpu.cfs_quota_us": 50000, "a/b/cpu.cfs_period_us": 100000}, "4:cpu:/a/b", 0.5),
    ],
)
def test_quotas(
    tmp_path: Path, files: dict[str, object], membership: str, quota: float | None
) -> None:
    top = write(tmp_path / "cg", files)
    version1 = "cpu" if membership.startswith("4:") else ""
    assert (
        cpu_quota(groups("cpu", proc(tmp_path / "proc", membership, mount(top, version1)))) == quota
    )


def test_this_machine() -> None:
    found = machine.processors()
    assert found.name
    assert 1 <= found.usable <= found.performance <= found.physical <= found.logical
    assert found.logical <= (os.cpu_count() or 1)


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is set with Linux's own call")
def test_affinity_is_kept_to() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.processors().usable == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")
def test_a_quota_and_a_topology_together(tmp_path: Path) -> None:
    top = write(tmp_path / "cg", {"cpu.max": "100000 100000"})
    found = machine.processors(proc=proc(tmp_path / "proc", "0::/", mount(top)))
    assert found.quota == 1.0
    assert found.usable == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")
def test_without_a_topology_cores_are_assumed(tmp_path: Path) -> None:
    found = machine.processors(system=tmp_path)
    assert found.logical == os.cpu_count()
    assert 1 <= found.usable <= found.physical
