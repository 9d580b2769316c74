"""`runner quantize`: its transcript, and Ctrl-C."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Runner
from tests.wide import write_wide

NEVER_DONE = """
import time
from runner.cli.main import main
from runner.models import quantize
quantize._publish = lambda *_: time.sleep(60)
main()
"""
"""Runner, but for the last step, which Ctrl-C is to come before."""


@pytest.fixture
def wide(tmp_path: Path, tiny_path: Path) -> Path:
    return write_wide(tmp_path / "wide-F32.gguf", tiny_path)


def test_what_it_says(runner: Runner, wide: Path) -> None:
    said = runner("quantize", str(wide), "q8_0")
    made = wide.with_name("wide-Q8_0.gguf")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"Q8_0   {made.stat().st_size / 1e6:.3g} MB   {made}\n"
    assert runner("run", "--raw", str(made), "hello", "--max-tokens", "1").code == 0


def test_json(runner: Runner, tmp_path: Path) -> None:
    out = tmp_path / "made.gguf"
    said = runner("quantize", "tiny", "Q4_0", "--requantize", f"--out={out}", "--json", "--quiet")
    facts = json.loads(said.out)
    assert said.err == ""
    assert (facts["path"], facts["source"], facts["kind"]) == (str(out), "tiny", "Q4_0")
    assert facts["bytes"] == out.stat().st_size
    assert set(facts) == {"path", "source", "kind", "bytes", "sha256", "made_from"}


def test_a_refusal_is_two_lines(runner: Runner) -> None:
    said = runner("quantize", "tiny", "Q4_0")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "error: tiny is quantized already (Q8_0): what that lost stays lost, and making it smaller "
        "loses more than from the original\n"
        "Take its F16 or BF16 file, or say --requantize.\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no program can send Ctrl-C there")
def test_ctrl_c_leaves_nothing(wide: Path) -> None:
    command = [sys.executable, "-c", NEVER_DONE, "quantize", str(wide), "Q4_K_M"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list(wide.parent.glob("*.making")) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")
    assert list(wide.parent.iterdir()) == [wide]
