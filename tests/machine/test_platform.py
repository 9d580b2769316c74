import platform
import sys
from pathlib import Path

import pytest

from runner import machine
from runner.machine.platform import emulated_linux, in_container
from tests.machine.trees import write


def test_this_platform() -> None:
    found = machine.platform_facts()
    assert found.system in ("Linux", "macOS", "Windows")
    assert found.machine == platform.machine()
    assert found.python == sys.version.split()[0]
    assert found.release


def test_an_x86_python_that_sees_an_arm_processor_is_emulated() -> None:
    rosetta = "processor\t: 0\nvendor_id\t: VirtualApple\nmodel name\t: VirtualApple @ 2.50GHz\n"
    qemu = "processor\t: 0\nCPU implementer\t: 0x61\nCPU architecture: 8\n"
    real = "processor\t: 0\nvendor_id\t: GenuineIntel\n"
    assert emulated_linux("x86_64", rosetta)
    assert emulated_linux("x86_64", qemu)
    assert not emulated_linux("x86_64", real)
    assert not emulated_linux("aarch64", qemu)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".dockerenv", ""),
        ("run/.containerenv", ""),
        ("proc/1/environ", "PATH=/bin\0container=lxc\0"),
        ("proc/1/environ", "container=podman\0"),
        ("proc/self/cgroup", "0::/kubepods.slice/pod1"),
        ("proc/self/cgroup", "4:memory:/docker/0123"),
    ],
)
def test_containers_leave_a_mark(tmp_path: Path, name: str, text: str) -> None:
    assert in_container(write(tmp_path, {name: text}))


def test_a_machine_is_no_container(tmp_path: Path) -> None:
    assert not in_container(tmp_path)
    write(tmp_path, {"proc/1/environ": "my_container=no\0", "proc/self/cgroup": "0::/user.slice"})
    assert not in_container(tmp_path)
