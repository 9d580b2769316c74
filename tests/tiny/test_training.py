"""The training of tiny goes on from a checkpoint exactly as if it had never stopped.

It needs PyTorch, the extra `train`; where that is not installed there is nothing to run.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "models" / "tiny" / "train.py"

pytestmark = pytest.mark.skipif(
    not (find_spec("torch") and find_spec("gguf")),
    reason="PyTorch is not installed: pip install -e '.[train]'",
)


def train(folder: Path, *, teacher: int, student: int) -> bytes:
    """Train both networks for so many steps, going on from what `folder` holds: the F32 file."""
    steps = ["--teacher-steps", str(teacher), "--student-steps", str(student)]
    files = ["--folder", str(folder), "--output", str(folder / "shipped.gguf")]
    subprocess.run([sys.executable, SCRIPT, *steps, *files], check=True, capture_output=True)
    return (folder / "tiny-F32.gguf").read_bytes()


@pytest.mark.timeout(300)
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    unbroken = train(tmp_path / "a", teacher=3, student=4)
    train(tmp_path / "b", teacher=3, student=2)
    assert train(tmp_path / "b", teacher=3, student=4) == unbroken
