"""Workers on loopback: other machines' devices, as far as llama.cpp can tell."""

import subprocess
import sys
from typing import Self

import pytest

RUNNER = [sys.executable, "-c", "from runner.cli.main import main; main()"]


class LoopbackWorker:
    """`runner worker` in a process of its own, on a free port, with one thread."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [*RUNNER, "worker", "--port", "0", "--threads", "1", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("serving on "):
                self.address = line.removeprefix("serving on ").partition(";")[0]
                return
        raise AssertionError("the worker ended before it served")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


def require_rpc() -> None:
    """Skip where the installed llama.cpp cannot use workers; `.ci/run` installs one that can."""
    from runner.llama import rpc

    if not rpc.supported():
        pytest.skip("this llama.cpp is built without RPC (CMAKE_ARGS=-DGGML_RPC=on)")
