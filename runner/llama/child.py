"""Runs a module of this room as a child process: llama.cpp aborts on some damaged files."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.errors import BadModelFile, DeviceError, DoesNotFit, RunnerError

CRASH_TIMEOUT = 60  # seconds; a header of a few MB loads in well under one


def ask(module: str, path: Path, question: Any = None, *, timeout: float = CRASH_TIMEOUT) -> Any:
    """What `answer` of that module's main program gives to `question`, about the model at `path`.

    Raises BadModelFile where llama.cpp refuses the file, dies over it or does not come back, and
    what else the child raised.
    """
    command = [sys.executable, "-m", module, str(path)]
    try:
        child = subprocess.run(
            command,
            input=json.dumps(question),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise BadModelFile(
            f"llama.cpp did not come back from {path.name} in {timeout:.0f} s"
        ) from None
    for kind in (BadModelFile, DoesNotFit, DeviceError):
        if child.returncode == kind.exit_code:
            message, remedy = json.loads(child.stdout)
            raise kind(message, remedy=remedy)
    if child.returncode == 0:
        return json.loads(child.stdout)
    raise crash(path, child.returncode, child.stderr)


def crash(path: Path, status: int, stderr: str) -> BadModelFile:
    """The error for a child that died over the file at `path`."""
    # A failed assertion names its place in the last line but the hint to attach a debugger.
    said = [line for line in stderr.splitlines() if "GGML_ASSERT" in line or "error" in line]
    reason = said[-1].strip() if said else f"exit status {status}"
    return BadModelFile(
        f"llama.cpp crashes on {path.name}: {reason}",
        remedy="The file is damaged or made for another version; fetch it again or choose another.",
    )


def answer(work: Callable[[Path, Any], Any]) -> None:
    """The child's side: do the work that was asked for, and end the process."""
    try:
        result = work(Path(sys.argv[1]), json.load(sys.stdin))
    except RunnerError as error:
        print(json.dumps([error.message, error.remedy]))
        sys.exit(error.exit_code)
    print(json.dumps(result))
