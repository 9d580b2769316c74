"""One small bench over the shipped model, measured once for all tests of its outcome."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner import settings
from runner.models import Located, Ready, ready


@pytest.fixture(scope="session")
def tiny(tiny_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """The shipped model, loaded on one thread with a short context."""
    located = Located(tiny_path, "tiny", "Q8_0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNNER_HOME", str(tmp_path_factory.mktemp("bench")))
        loaded = ready(located, settings.Settings(ctx=256, threads=1))
    with loaded:
        yield loaded
