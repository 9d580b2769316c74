"""`runner pull` ended from outside: what had arrived stays, and the exit code says so."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.errors import INTERRUPTED
from tests.loopback import LoopbackHub


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to a process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pull_that_is_ended_keeps_its_part(
    loopback_hub: LoopbackHub, isolated: Path, number: signal.Signals
) -> None:
    data = random.Random(1).randbytes(3 << 20)
    loopback_hub.add("org/model-GGUF", {"model-Q4_K_M.gguf": data})
    loopback_hub.fault("cdn", "hold", at=2 << 20)
    command = [sys.executable, "-m", "runner", "pull", "hf.co/org/model-GGUF:Q4_K_M"]
    with subprocess.Popen(
        command, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not any(path.stat().st_size > 400 for path in isolated.rglob("*.part.journal")):
            assert process.poll() is None, "it ended by itself"
            time.sleep(0.01)
        process.send_signal(number)
        _, remarks = process.communicate()
    assert process.returncode == INTERRUPTED
    assert "the same command continues from here" in remarks
    assert list(isolated.rglob("*.part"))
