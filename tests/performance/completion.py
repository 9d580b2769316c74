"""How long a person waits for Tab.

    python -m tests.performance.completion [--repeat 20] [--load 2] [--models 200]

Time on the clock of whole calls, as a shell makes them, and the processor time in it, on the
machine as it is and then beside `--load` processes that compute without end; with `--models` models
on the disk. The first call after a change, which makes the outline anew, is shown apart.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from runner.library import Library, Record, StoredFile

LINES = ("runner qu", "runner run --th", "runner show r1-qwen:1.5b:", "runner rm ")
START = "import re, sys; from runner.cli.start import main; main()"
FOREVER = "while True: pass"


def call(line: str, home: str) -> tuple[float, float]:
    """One call, from the shell's point of view: milliseconds on the clock, and of processors."""
    environment = os.environ | {
        "_RUNNER_COMPLETE": "bash",
        "RUNNER_HOME": home,
        "HF_HOME": f"{home}/huggingface",
    }
    begun, before = time.perf_counter(), os.times()
    subprocess.run(
        [sys.executable, "-c", START, line, ":="],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return (time.perf_counter() - begun) * 1000, used * 1000


def fill(home: str, count: int) -> None:
    """A library of so many small models."""
    folder = Path(home) / "files"
    folder.mkdir()
    library = Library(Path(home) / "huggingface", Path(home) / "library.db")
    for number in range(count):
        repository, file = f"somebody/Model-{number}-GGUF", f"Model-{number}-Q4_K_M.gguf"
        path = folder / file
        path.write_bytes(b"GGUF")
        library.add(
            Record(
                name=f"hf.co/{repository}",
                repository=repository,
                commit="0" * 40,
                quantization="Q4_K_M",
                files=(StoredFile(path, file, 4, f"{number:064}"),),
                fetched_at=datetime.now(UTC),
            )
        )


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that take all the time they get, meanwhile."""
    spinning = [subprocess.Popen([sys.executable, "-c", FOREVER]) for _ in range(count)]
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--load", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--models", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        fill(home, options.models)
        print(f"the first call: {call(LINES[0], home)[0]:.0f} ms")
        for load in (0, options.load):
            with busy(load):
                for line in LINES:
                    runs = [call(line, home) for _ in range(options.repeat)]
                    clock, used = (sorted(times) for times in zip(*runs, strict=True))
                    print(
                        f"{line + '<Tab>':<32} beside {load} busy processes: "
                        f"{statistics.median(clock):4.0f} ms ({clock[0]:.0f} to {clock[-1]:.0f}), "
                        f"{statistics.median(used):3.0f} ms of a processor"
                    )


if __name__ == "__main__":
    main()
