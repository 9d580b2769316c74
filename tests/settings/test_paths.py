"""Where Runner keeps its things, and that its tables agree with those of other rooms."""

from pathlib import Path

import pytest

from runner.paths import config_file, data_directory
from runner.settings import KV_TYPES, SAMPLERS


def test_the_environment_names_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_HOME", "~/somewhere")
    monkeypatch.setenv("RUNNER_CONFIG", "~/some.toml")
    assert data_directory() == Path.home() / "somewhere"
    assert config_file() == Path.home() / "some.toml"


def test_without_it_the_system_has_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNNER_HOME")
    monkeypatch.delenv("RUNNER_CONFIG")
    assert data_directory().is_absolute()
    assert "runner" in data_directory().parts
    assert config_file().name == "config.toml"
    assert "runner" in config_file().parts


def test_kv_types_are_those_llama_cpp_is_given() -> None:
    from runner.llama.context import KV_TYPES as KNOWN

    assert set(KV_TYPES) == set(KNOWN)


def test_samplers_are_those_of_the_engine() -> None:
    from runner.engine.sampling import ORDER

    assert SAMPLERS == ORDER
