"""What every test stands on: its own home, no settings of this machine's, no network but loopback.

A test fails if it, or a Python that it starts, reaches for an address that is not loopback.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.loopback import LoopbackHub
from tests.loopback.on_path import sitecustomize as guard
from tests.workers import LoopbackWorker, require_rpc

PASSED_ON = "TESTS_SHARED"
"""Where RUNNER_SHARED, which no test sees, reaches the processes that share the tests."""

SHARED = os.environ.get("RUNNER_SHARED") or os.environ.get(PASSED_ON)
GUARD = Path(guard.__file__).parent
CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

# No test is about time: a busy machine must not fail a property.
settings.register_profile("runner", deadline=None)
settings.load_profile("runner")

# Once and for all of the session, because huggingface_hub reads its variables when it is imported.
for name in tuple(os.environ):
    if name.upper().startswith(("RUNNER_", "HF_", "HUGGING")) or name.upper() in PROXIES:
        del os.environ[name]
if SHARED:
    os.environ[PASSED_ON] = SHARED
os.environ["HF_ENDPOINT"] = CLOSED
os.environ["HF_HOME"] = str(Path(tempfile.gettempdir()) / "runner-tests-have-no-hf-home")
os.environ["NO_PROXY"] = "127.0.0.1,localhost"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH")]))


@pytest.fixture(autouse=True)
def isolated(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """An empty home for this test alone; and the proof afterwards that nothing left the machine."""
    home = tmp_path_factory.mktemp("home")
    refusals = home / "refusals.txt"
    monkeypatch.setenv("RUNNER_HOME", str(home / "data"))
    monkeypatch.setenv("RUNNER_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))
    monkeypatch.setenv(guard.LOG, str(refusals))
    yield home
    if refusals.exists() and (text := refusals.read_text(encoding="utf-8")):
        pytest.fail(f"this test reached for another machine:\n{text}", pytrace=False)


@pytest.fixture
def loopback_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A stand-in Hub, empty, to which HF_ENDPOINT points."""
    with LoopbackHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub
        if "huggingface_hub" in sys.modules:
            from huggingface_hub import close_session

            close_session()  # its idle connections to this hub


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real models and templates that RUNNER_SHARED names; skips without it."""
    if not SHARED:
        pytest.skip("RUNNER_SHARED is not set")
    if not Path(SHARED).is_dir():
        pytest.skip(f"RUNNER_SHARED names {SHARED}, which is not a folder")
    return Path(SHARED)


@pytest.fixture(scope="session")
def tiny_path() -> Path:
    """The model that ships with Runner."""
    from runner.catalog import models_directory

    return models_directory() / "tiny" / "tiny-Q8_0.gguf"


@pytest.fixture(scope="session")
def tiny_f32(tiny_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model in F32: rounding is small there, so that what it says can be compared."""
    import ctypes

    from runner.llama.library import llama_cpp

    path = tmp_path_factory.mktemp("f32") / "tiny-F32.gguf"
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = 0  # LLAMA_FTYPE_ALL_F32
    parameters.allow_requantize = True
    done = llama_cpp.llama_model_quantize(
        str(tiny_path).encode(), str(path).encode(), ctypes.byref(parameters)
    )
    assert done == 0
    return path


@pytest.fixture(scope="session")
def workers() -> Iterator[tuple[str, str]]:
    """The addresses of two workers, for all tests; one that is killed is a test's own."""
    require_rpc()
    with LoopbackWorker() as one, LoopbackWorker() as other:
        yield one.address, other.address


@pytest.fixture
def own_worker() -> Iterator[LoopbackWorker]:
    """A worker for this test alone, which may kill it."""
    require_rpc()
    with LoopbackWorker() as worker:
        yield worker
