import sys
from collections.abc import Mapping
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner import machine
from runner.machine.cgroups import groups
from runner.machine.memory import Memory, within_groups
from tests.machine.trees import mount, proc, write

GIB = 1024**3
MACHINE = Memory(total=16 * GIB, available=12 * GIB)
UNLIMITED_1 = 9223372036854771712  # what version 1 says for no limit


def limited(folder: Path, files: Mapping[str, object], membership: str = "0::/a/b") -> Memory:
    top = write(folder / "cg", files)
    version1 = "memory" if membership.startswith("4:") else ""
    return within_groups(
        MACHINE, groups("memory", proc(folder / "proc", membership, mount(top, version1)))
    )


def test_without_limits_the_machine_itself(tmp_path: Path) -> None:
    assert within_groups(MACHINE, []) == MACHINE
    files = {"memory.max": "max", "a/memory.max": "max", "a/b/memory.max": "max"}
    assert limited(tmp_path, files) == MACHINE


def test_version_1_says_no_limit_with_a_huge_number(tmp_path: Path) -> None:
    files = {"a/b/memory.limit_in_bytes": UNLIMITED_1, "a/b/memory.usage_in_bytes": 5 * GIB}
    assert limited(tmp_path, files, "4:memory:/a/b") == MACHINE


def test_the_tightest_level_counts(tmp_path: Path) -> None:
    files = {"memory.max": 8 * GIB, "a/memory.max": 2 * GIB, "a/b/memory.max": 4 * GIB}
    assert limited(tmp_path, files) == Memory(total=2 * GIB, available=2 * GIB)


def test_what_others_in_the_group_use_is_not_available(tmp_path: Path) -> None:
    files = {"a/memory.max": 4 * GIB, "a/memory.current": 3 * GIB, "a/b/memory.current": GIB}
    (tmp_path / "cg/a/b").mkdir(parents=True)
    assert limited(tmp_path, files) == Memory(total=4 * GIB, available=GIB)


def test_file_pages_give_way(tmp_path: Path) -> None:
    statistics = f"anon {GIB}\nfile {2 * GIB}\ninactive_file {GIB}\nactive_file {GIB}"
    files = {
        "a/b/memory.max": 4 * GIB,
        "a/b/memory.current": 3 * GIB,
        "a/b/memory.stat": statistics,
    }
    assert limited(tmp_path, files) == Memory(total=4 * GIB, available=3 * GIB)


def test_version_1_counts_its_subgroups_file_pages(tmp_path: Path) -> None:
    statistics = f"inactive_file 1\ntotal_inactive_file {GIB}\ntotal_active_file {GIB}"
    files = {
        "a/b/memory.limit_in_bytes": 4 * GIB,
        "a/b/memory.usage_in_bytes": 3 * GIB,
        "a/b/memory.stat": statistics,
    }
    assert limited(tmp_path, files, "4:memory:/a/b") == Memory(4 * GIB, 3 * GIB)


@given(limit=st.integers(0, 32 * GIB), used=st.integers(0, 40 * GIB), cache=st.integers(0, GIB))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_more_than_the_machine_and_never_less_than_nothing(
    tmp_path: Path, limit: int, used: int, cache: int
) -> None:
    files = {
        "a/b/memory.max": limit,
        "a/b/memory.current": used,
        "a/b/memory.stat": f"inactive_file {cache}",
    }
    found = limited(tmp_path, files)  # each example writes the same files
    assert 0 <= found.available <= found.total == min(limit, MACHINE.total)
    assert found.available <= MACHINE.available


def test_this_machine() -> None:
    found = machine.memory()
    assert 0 < found.available <= found.total
    if sys.platform == "linux":
        assert found.total <= int(Path("/proc/meminfo").read_text().split()[1]) * 1024


def test_a_limit_is_applied_to_this_machine(tmp_path: Path) -> None:
    top = write(tmp_path / "cg", {"memory.max": 4096})
    found = machine.memory(proc(tmp_path / "proc", "0::/", mount(top)))
    assert found == Memory(total=4096, available=4096)
