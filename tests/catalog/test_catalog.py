"""The catalogue answers by name, alias and near miss; it is found and loaded cheaply."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalog import Entry, SamplingDefaults, models_directory, shipped_catalog
from runner.errors import ConfigurationError, UnknownModel

CATALOG = shipped_catalog()


def entry_named(name: str) -> Entry:
    entry = CATALOG.find(name)
    assert entry is not None
    return entry


@given(st.sampled_from([*CATALOG.aliases, *(entry.name for entry in CATALOG.entries)]), st.data())
def test_names_are_found_in_any_case(name: str, data: st.DataObject) -> None:
    upper = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    typed = "".join(c.upper() if up else c for c, up in zip(name, upper, strict=True))
    assert CATALOG.find(typed) is CATALOG.find(name) is not None


@given(st.sampled_from([entry.name for entry in CATALOG.entries]), st.data())
def test_a_slip_of_the_finger_is_understood(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(name) - 1))
    near = CATALOG.nearest(name[:at] + name[at + 1 :])
    assert name in [entry_named(found).name for found in near]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("deepseek-r1:1.5b", "deepseek-r1-distill-qwen:1.5b"),
        ("DeepSeek-R1-Distil-Qwen:7b", "deepseek-r1-distill-qwen:7b"),
        ("tinny", "tiny"),
        ("smolm3", "smollm3"),
        ("gpt-os", "gpt-oss:20b"),
    ],
)
def test_nearest_names(typed: str, first: str) -> None:
    assert CATALOG.nearest(typed)[0] == first


def test_a_family_alone_gives_its_sizes_and_nonsense_gives_nothing() -> None:
    assert set(CATALOG.nearest("qwen3")) == {
        f"qwen3:{s}" for s in ("0.6b", "1.7b", "4b", "8b", "14b")
    }
    assert CATALOG.nearest("xyzzy") == []
    assert len(CATALOG.nearest("qwen3:70b", count=2)) == 2


def test_quantizations_are_asked_for_in_any_case() -> None:
    entry = entry_named("qwen3:4b")
    assert entry.quantization("q8_0").name == "Q8_0"
    with pytest.raises(UnknownModel, match="not listed as Q2_K") as caught:
        entry.quantization("Q2_K")
    assert "Q4_K_M, Q8_0" in caught.value.remedy


def test_sampling_follows_thinking() -> None:
    asked, by_default, never = map(entry_named, ("qwen3.5:0.8b", "qwen3:4b", "llama3.2:1b"))
    assert asked.sampling_for(None) == asked.sampling_for(False) == asked.sampling_without_thinking
    assert by_default.sampling_for(None) == by_default.sampling_for(True) == by_default.sampling
    assert by_default.sampling_for(False) == by_default.sampling_without_thinking
    assert never.sampling_for(None) == never.sampling_for(True) == never.sampling
    assert entry_named("supernova-lite").sampling_for(None) == SamplingDefaults()


@pytest.mark.parametrize("place", ["site-packages/runner/_models", "site-packages/models"])
def test_models_are_found_in_a_wheel_and_beside_a_checkout(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "catalog.toml").touch()
    assert models_directory(tmp_path / "site-packages" / "runner") == tmp_path / place


def test_missing_models_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"models/catalog\.toml"):
        models_directory(tmp_path / "runner")


def test_loading_imports_nothing_heavy() -> None:
    heavy = {"llama_cpp", "huggingface_hub", "rich", "numpy", "psutil", "jinja2", "prompt_toolkit"}
    code = (
        "import sys; from runner.catalog import load_catalog; load_catalog(); "
        f"print(*({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
