import os
import sys
from pathlib import Path

import pytest

from runner.machine import compiler
from tests.machine.trees import write

POSIX = pytest.mark.skipif(sys.platform != "linux", reason="on others the path is not all")


def tools(folder: Path, *names: str) -> str:
    """A folder for PATH with executables of these names."""
    write(folder, dict.fromkeys(names, "#!/bin/sh"))
    for name in names:
        (folder / name).chmod(0o755)
    return str(folder)


@POSIX
@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("gcc", "g++"), True),
        (("cc", "c++"), True),
        (("clang", "clang++"), True),
        (("gcc", "make"), False),  # Debian installs g++ apart
        (("g++",), False),
        ((), False),
    ],
)
def test_both_compilers_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], found: bool
) -> None:
    monkeypatch.setenv("PATH", tools(tmp_path, *names))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    assert compiler.has_compiler() is found


@POSIX
def test_compilers_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", tools(tmp_path, "gcc-14", "g++-14"))
    monkeypatch.setenv("CC", "gcc-14 -m64")
    monkeypatch.setenv("CXX", "g++-14")
    assert compiler.has_compiler()


@pytest.mark.parametrize(
    ("release", "line"),
    [
        ("ID=debian\nVERSION_ID=12", "apt-get install build-essential"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"', "apt-get install build-essential"),
        ("ID=fedora", "dnf install gcc gcc-c++"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install gcc gcc-c++"),
        ("ID=arch", "pacman -S --needed base-devel"),
        ("ID=manjaro\nID_LIKE=arch", "pacman -S --needed base-devel"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "zypper install gcc gcc-c++"),
        ("ID=alpine", "apk add build-base linux-headers"),
    ],
)
def test_the_line_for_a_distribution(tmp_path: Path, release: str, line: str) -> None:
    found = compiler.compiler_install_line("linux", write(tmp_path, {"etc/os-release": release}))
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        assert found == line
    else:
        assert found == f"sudo {line}"


def test_the_line_elsewhere(tmp_path: Path) -> None:
    assert "gcc and g++" in compiler.compiler_install_line("linux", tmp_path)
    assert compiler.compiler_install_line("darwin") == "xcode-select --install"
    assert "VCTools" in compiler.compiler_install_line("win32")
