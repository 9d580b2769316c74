from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bootstrap.requirements import declared, installed, missing, normal

ROOT = Path(__file__).resolve().parents[2]


def test_this_project(tmp_path: Path) -> None:
    program = declared(ROOT / "pyproject.toml", development=False)
    everything = declared(ROOT / "pyproject.toml", development=True)
    assert any(each.startswith("llama-cpp-python==") for each in program)
    assert everything[: len(program)] == program
    assert any(each.startswith("pytest") for each in everything)
    assert missing(everything, {}) == everything


def test_what_is_installed_is_told_by_the_names_of_its_metadata(tmp_path: Path) -> None:
    for name in (
        "llama_cpp_python-0.3.36.dist-info",
        "PyYAML-6.0.1.egg-info",
        "rich",
        "zope.interface-5.4.dist-info",
        "old_style-1.0-py3.11.egg-info",
        "~ip-23.0.dist-info",
    ):
        (tmp_path / name).mkdir()
    found = installed([tmp_path / "absent", tmp_path])
    assert found["llama-cpp-python"] == "0.3.36"
    assert found["pyyaml"] == "6.0.1"
    assert found["zope-interface"] == "5.4"
    assert found["old-style"] == "1.0"
    assert "pip" not in found  # what pip leaves of a package it could not remove
    assert installed([]) == {}


def test_the_first_folder_counts(tmp_path: Path) -> None:
    (tmp_path / "a/x-1.dist-info").mkdir(parents=True)
    (tmp_path / "b/x-2.dist-info").mkdir(parents=True)
    assert installed([tmp_path / "a", tmp_path / "b"]) == {"x": "1"}


@pytest.mark.parametrize(
    ("requirement", "version", "met"),
    [
        ("a==0.3.36", "0.3.36", True),
        ("a==0.3.36", "0.3.37", False),
        ("a==2.0", "2", True),
        ("a>=2.0,<3", "2.4.0", True),
        ("a>=2.0,<3", "3.0", False),
        ("a>=2.0,<3", "1.99", False),
        ("a >= 3.0.50", "3.0.52", True),
        ("a>=3.0.50", "3.0.9", False),
        ("a", "0", True),
        ("a[extra]>=1", "1.2", True),
        ("a[extra]>=1", "0.9", False),
        ("a>=8.3", "9.0.0rc1", True),
        ("A_b.C>=1", "1", True),
        ("a~=1.4", "9.9", True),  # not ours to judge
        ("a>=1; python_version < '3'", "0.1", True),
    ],
)
def test_versions_within_bounds(requirement: str, version: str, met: bool) -> None:
    assert (missing([requirement], {"a": version, "a-b-c": version}) == []) is met


NUMBERS = st.lists(st.integers(0, 40), min_size=1, max_size=4)


@given(NUMBERS, NUMBERS)
def test_bounds_order_versions_as_numbers(left: list[int], right: list[int]) -> None:
    version, bound = ".".join(map(str, left)), ".".join(map(str, right))

    def meets(sign: str) -> bool:
        return missing([f"a{sign}{bound}"], {"a": version}) == []

    length = max(len(left), len(right))
    ours, theirs = (numbers + [0] * (length - len(numbers)) for numbers in (left, right))
    assert meets(">=") is (ours >= theirs)
    assert meets("<") is (ours < theirs)
    assert meets("==") is (ours == theirs)


def test_names_have_one_form() -> None:
    assert normal("Huggingface_Hub") == normal("huggingface-hub") == normal("huggingface.HUB")
