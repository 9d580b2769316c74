"""Commands run as a person runs them, in this process, with their whole transcript."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner import models
from runner.cli.main import main
from runner.machine.rates import CPU, DeviceRates, Rates, keep
from runner.settings import BY_NAME, load
from tests.chat.endless import endless as long_reply
from tests.loopback import LoopbackHub

COMMAND = [sys.executable, "-c", "from runner.cli.main import main; main()"]
"""The console script, wherever it is installed."""

FETCHABLE = "somebody/Small-GGUF"
FETCHABLE_FILE = "Small-Q8_0.gguf"


@dataclass(frozen=True)
class Transcript:
    """What a command printed and the exit code it ended with."""

    code: int
    out: str
    err: str


Runner = Callable[..., Transcript]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for a small model, and on a busy machine threads that wait for each other are slow."""
    monkeypatch.setenv("RUNNER_THREADS", "1")


@pytest.fixture(autouse=True)
def measured_machine(isolated: Path) -> None:
    """A machine that was measured before, and found quick: no test waits for that."""
    quick = dict.fromkeys(("F16", "Q8_0", "Q4_K"), 1e11)
    cpu = DeviceRates("CPU", 1e-5, quick, dict.fromkeys(quick, 1e13), 1e12, 1e12)
    keep(Rates(2, 1e11, {CPU: cpu}, datetime.now(UTC)))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Runner:
    """`runner("run", "tiny", "hello", stdin="…")`, through the console script's own function."""

    def run(*arguments: str, stdin: str | bytes = "") -> Transcript:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "argv", ["runner", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Transcript(code, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def endless() -> tuple[str, ...]:
    """Options that make a reply of many hundred tokens."""
    with models.ready(models.shipped(), load({"threads": 1})) as ready:
        found = long_reply(ready)
    names = ("temperature", "top_k", "top_p", "min_p", "seed")
    return tuple(f"{BY_NAME[name].flag}={getattr(found, name)}" for name in names)


@pytest.fixture
def hub_with_model(loopback_hub: LoopbackHub, tiny_path: Path) -> Iterator[LoopbackHub]:
    """A Hub that offers the shipped model's bytes under another name."""
    loopback_hub.add(FETCHABLE, {FETCHABLE_FILE: tiny_path.read_bytes(), "README.md": b"# Small"})
    yield loopback_hub
