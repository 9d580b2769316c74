"""`runner worker` and `--rpc`: what is served, what is said, and how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys

import pytest

from runner.errors import BuildError, ConfigurationError, DeviceError, OfflineError
from runner.fit import plans as fit
from runner.llama import rpc
from tests.cli.conftest import COMMAND, Runner
from tests.workers import LoopbackWorker, require_rpc

QUESTION = "What is 12 + 30?"


@pytest.fixture(autouse=True)
def no_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "DEVICE_MARGIN", 0)


def start(*options: str) -> "subprocess.Popen[str]":
    require_rpc()
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*COMMAND, "worker", "--port=0", *options], stdout=pipe, stderr=pipe, text=True
    )


def served(worker: "subprocess.Popen[str]") -> list[str]:
    """The lines that a worker prints until it serves."""
    assert worker.stdout is not None
    lines = []
    for line in worker.stdout:
        lines.append(line.rstrip())
        if line.startswith("serving"):
            break
    return lines


def test_a_worker_says_what_it_serves_and_what_to_type() -> None:
    with start() as worker:
        device, serving = served(worker)
        worker.kill()
        said = worker.communicate()[1]
    assert re.fullmatch(r"\w+: .+, \d+\.\d GiB", device)
    address = re.fullmatch(r"serving on (127\.0\.0\.1:\d+); Ctrl-C ends it", serving)
    assert address
    assert "ssh -L " in said
    assert said.endswith(f": runner chat MODEL --rpc {address[1]}\n")


def test_a_worker_for_other_machines_warns() -> None:
    with start("--host", "0.0.0.0", "--quiet") as worker:
        assert served(worker)[-1].startswith("serving on 0.0.0.0:")
        worker.kill()
        said = worker.communicate()[1]
    assert said.startswith("warning: ")
    assert "neither passwords nor encryption" in said
    assert said.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_ends_a_worker() -> None:
    with start() as worker:
        served(worker)
        worker.send_signal(signal.SIGINT)
        said = worker.communicate(timeout=60)[1]
    assert worker.returncode == 130
    assert "Traceback" not in said


def test_a_port_that_is_taken(runner: Runner) -> None:
    require_rpc()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = runner("worker", "--port", str(port))
    assert said.code == ConfigurationError.exit_code
    assert f"error: cannot listen on 127.0.0.1:{port}: " in said.err
    assert "--port" in said.err


def test_a_device_that_is_not_there(runner: Runner) -> None:
    require_rpc()
    said = runner("worker", "--port=0", "--device", "CUDA7")
    assert said.code == DeviceError.exit_code
    assert "there is no device 'CUDA7'; there is " in said.err


@pytest.mark.parametrize("command", [("worker",), ("run", "tiny", "hello", "--rpc", "desk")])
def test_a_build_without_rpc_says_how_to_get_one(
    runner: Runner, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "supported", lambda: False)
    said = runner(*command)
    assert said.code == BuildError.exit_code
    assert "built without its RPC backend" in said.err
    assert re.search(r'CMAKE_ARGS="[^"]*-DGGML_RPC=on"', said.err)
    assert "--no-cache-dir" in said.err


def test_a_run_on_a_worker(runner: Runner, workers: tuple[str, str]) -> None:
    said = runner("run", "tiny", QUESTION, "--rpc", workers[0], "--think", "hide", "--temp=0")
    assert "42" in said.out
    assert re.match(
        rf"(\d+)/\1 layers on RPC\d+ \({workers[0]}\): \d+\.\d of \d+\.\d GiB free\n", said.err
    )


def test_a_run_on_a_worker_in_part(runner: Runner, workers: tuple[str, str]) -> None:
    options = ("--rpc", workers[0], "--gpu-layers", "2", "--json", "--temp=0")
    said = runner("run", "tiny", QUESTION, *options)
    assert re.match(r"2/\d+ layers on RPC\d+ .*, rest on CPU: ", said.err)
    facts = json.loads(said.out)
    assert "42" in facts["answer"]
    devices = facts["placement"]["devices"]
    assert sorted(devices.values()) == [2, devices["CPU"]]


def test_a_worker_that_is_not_there(runner: Runner, own_worker: LoopbackWorker) -> None:
    own_worker.kill()
    said = runner("run", "tiny", QUESTION, "--rpc", own_worker.address)
    assert said.code == DeviceError.exit_code
    assert said.out == ""
    assert f"error: the worker {own_worker.address} cannot be used: " in said.err


def test_offline_joins_no_worker(runner: Runner, workers: tuple[str, str]) -> None:
    said = runner("run", "tiny", QUESTION, "--rpc", workers[0], "--offline")
    assert said.code == OfflineError.exit_code
    assert workers[0] in said.err
