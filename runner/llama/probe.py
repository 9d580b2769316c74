"""Tries a model file in a child process first: llama.cpp aborts on some damaged files.

`probe(path)` runs this very module as the child, which loads the file without its weights and
builds a small context. A crash there is a line here.
"""

import subprocess
import sys
from pathlib import Path

from runner.errors import BadModelFile, RunnerError

CRASH_TIMEOUT = 60  # seconds; a header of a few MB loads in well under one


def probe(path: Path) -> None:
    """Raise BadModelFile where llama.cpp refuses `path`, dies over it or does not come back."""
    command = [sys.executable, "-m", "runner.llama.probe", str(path)]
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=CRASH_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise BadModelFile(
            f"llama.cpp did not come back from {path.name} in {CRASH_TIMEOUT} s"
        ) from None
    if child.returncode == 0:
        return
    if child.returncode == BadModelFile.exit_code:
        raise BadModelFile(child.stdout.strip())
    # A failed assertion names its place in the last line but the hint to attach a debugger.
    said = [line for line in child.stderr.splitlines() if "GGML_ASSERT" in line or "error" in line]
    reason = said[-1].strip() if said else f"exit status {child.returncode}"
    raise BadModelFile(
        f"llama.cpp crashes on {path.name}: {reason}",
        remedy="The file is damaged or made for another version; fetch it again or choose another.",
    )


def _load_without_weights(path: Path) -> None:
    from runner.llama.context import LlamaContext
    from runner.llama.model import LlamaModel

    model = LlamaModel(path, gpu_layers=0, allocate=False)
    if model.generates_text:
        LlamaContext(model, context=256, batch=64, threads=1).close()
    model.close()


if __name__ == "__main__":
    try:
        _load_without_weights(Path(sys.argv[1]))
    except RunnerError as error:
        print(error.message)
        sys.exit(BadModelFile.exit_code)
