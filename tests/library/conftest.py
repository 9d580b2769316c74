"""A home without other programs' models, and a library of this test's own."""

from pathlib import Path

import pytest

from runner.library import Library


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's home folder, empty."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("OLLAMA_MODELS", str(home / "ollama"))
    return home


@pytest.fixture
def library() -> Library:
    """The library where it lies by default."""
    return Library()
