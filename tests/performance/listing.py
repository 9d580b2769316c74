"""How long `runner list` takes with many models.

    python -m tests.performance.listing [--models 200] [--repeat 10]

The whole command, from the start of Python to its end, in a home of its own: time on the clock and
of the processor. Its models are small files in the Hugging Face cache, half of them recorded by
Runner and half put there by another program, so that `--all` shows them too; the first `--all`
reads their headers, later ones what is kept of them.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import gguf

from runner.library import Library, Record
from tests.library.making import store

COMMAND = [sys.executable, "-c", "from runner.cli.main import main; main()"]


def header(name: str) -> bytes:
    """A GGUF that holds no more than what is listed, and some words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_name(name)
        writer.add_block_count(1)
        writer.add_context_length(2048)
        writer.add_token_list([f"word{number}" for number in range(1000)])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        return path.read_bytes()


def make(count: int) -> None:
    """Models in the cache, every second one recorded."""
    library = Library()
    for number in range(count):
        data = header(f"Model {number}")
        repository, name = f"org/Model-{number}-GGUF", f"model-{number}-Q8_0.gguf"
        commit = f"{number:040x}"
        files = (store(library, data, name, repository=repository, commit=commit),)
        if number % 2 == 0:
            now = datetime.now(UTC)
            library.add(
                Record(f"hf.co/{repository}", repository, commit, "Q8_0", files, now, context=2048)
            )


def measure(arguments: tuple[str, ...], repeat: int) -> str:
    """The seconds that runs of a command take."""
    clock, processor = [], []
    for _ in range(repeat):
        began, worked = time.perf_counter(), os.times()
        subprocess.run([*COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL)
        clock.append(time.perf_counter() - began)
        after = os.times()
        user = after.children_user - worked.children_user
        processor.append(user + after.children_system - worked.children_system)
    return (
        f"median {statistics.median(clock):.3f} s, best {min(clock):.3f} s; "
        f"of the processor {statistics.median(processor):.3f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=10)
    chosen = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="runner-listing-"))
    os.environ |= {"RUNNER_HOME": str(home / "data"), "HF_HOME": str(home / "huggingface")}
    os.environ |= {"HOME": str(home), "USERPROFILE": str(home)}
    try:
        make(2 * chosen.models)
        print(f"{chosen.models} recorded models, and as many of another program")
        print(f"runner --version            {measure(('--version',), chosen.repeat)}")
        print(f"runner list                 {measure(('list',), chosen.repeat)}")
        print(f"runner list --json          {measure(('list', '--json'), chosen.repeat)}")
        print(f"runner list --all, at first {measure(('list', '--all'), 1)}")
        print(f"runner list --all           {measure(('list', '--all'), chosen.repeat)}")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
