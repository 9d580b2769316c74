from pathlib import Path

from runner.machine.cgroups import cgroup_mounts, groups, memberships, unescape
from tests.machine.trees import mount, proc, write

# A machine that mounts both versions, each controller of version 1 apart.
BOTH = """9:name=systemd:/
5:devices:/
4:memory:/process_api/53cd29c2
2:cpuacct,cpu:/
0::/user.slice/session.scope"""


def test_memberships_of_both_versions() -> None:
    assert list(memberships(BOTH, "memory")) == [
        (1, "/process_api/53cd29c2"),
        (2, "/user.slice/session.scope"),
    ]
    assert list(memberships(BOTH, "cpu")) == [(1, "/"), (2, "/user.slice/session.scope")]


def test_a_controller_is_found_by_its_whole_name() -> None:
    listing = (
        "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "27 1 254:0 / / rw - ext4 /dev/vda rw,cpu\n"
        "not a mount\n"
    )
    assert list(cgroup_mounts(listing, 1, "cpu")) == [("/", Path("/sys/fs/cgroup/cpu"))]


def test_every_level_from_the_group_up_to_the_mount(tmp_path: Path) -> None:
    top = write(tmp_path / "cg", {"user.slice/session.scope/memory.max": "max"})
    found = groups("memory", proc(tmp_path / "proc", "0::/user.slice/session.scope", mount(top)))
    assert [group.directory for group in found] == [
        top / "user.slice/session.scope",
        top / "user.slice",
        top,
    ]
    assert {group.version for group in found} == {2}


def test_inside_a_container_only_the_part_below_the_mounted_root_is_seen(tmp_path: Path) -> None:
    top = write(tmp_path / "memory", {"inner/memory.limit_in_bytes": "1"})
    membership = "4:memory:/docker/abc/inner"
    found = groups(
        "memory", proc(tmp_path / "proc", membership, mount(top, "memory", "/docker/abc"))
    )
    assert [group.directory for group in found] == [top / "inner", top]


def test_a_path_of_the_host_that_is_not_mounted_falls_back_to_the_mount(tmp_path: Path) -> None:
    top = write(tmp_path / "cg", {"memory.max": "5"})
    found = groups("memory", proc(tmp_path / "proc", "0::/kubepods/pod1/../..", mount(top)))
    assert [group.directory for group in found] == [top]
    assert found[0].number("memory.max") == 5


def test_a_mount_point_with_a_blank(tmp_path: Path) -> None:
    top = write(tmp_path / "control groups", {"memory.max": "7"})
    found = groups("memory", proc(tmp_path / "proc", "0::/", mount(top)))
    assert [group.number("memory.max") for group in found] == [7]
    assert unescape(r"a\040b\134c") == r"a b\c"


def test_no_proc_no_groups(tmp_path: Path) -> None:
    assert groups("memory", tmp_path / "nothing") == []


def test_numbers_that_are_none(tmp_path: Path) -> None:
    top = write(tmp_path / "cg", {"memory.max": "max", "empty": ""})
    (group,) = groups("memory", proc(tmp_path / "proc", "0::/", mount(top)))
    assert group.number("memory.max") is None
    assert group.number("empty") is None
    assert group.number("absent") is None
