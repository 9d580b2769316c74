"""All of the engine's measurements, one after the other, and one table of them.

    python -m tests.performance.table MODEL.gguf --text PROSE.txt [--gpu-layers -1] [--repeat 3]

MODEL is of real size, PROSE a text without repetition. With `--gpu-layers -1` the same table is
made of the GPU. What each script prints is shown as it comes; leave the machine alone meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from runner.catalog import load_catalog, models_directory
from tests.performance.interleaved import COLLECT


def measurements(options: argparse.Namespace) -> list[list[str]]:
    """Each script with its arguments."""
    model, repeat = str(options.model), ["--repeat", str(options.repeat)]
    place = ["--gpu-layers", str(options.gpu_layers)]
    tiny = str(models_directory() / str(load_catalog().shipped.path))
    loop = "engine_vs_bare_loop"
    return [
        [loop, model, *place, *repeat, "--asked", "0.98"],
        [loop, model, *place, *repeat, "--prompt-tokens", "4096", "--reply-tokens", "2",
         "--asked", "0.98"],
        [loop, tiny, *place, "--repeat", "15", "--prompt-tokens", "64", "--reply-tokens", "257",
         "--asked", "0.8"],
        [loop, model, *place, *repeat, "--sequences", "8", "--prompt-tokens", "16",
         "--reply-tokens", "65", "--asked", "0.95"],
        [loop, model, *place, "--memory", "--reply-tokens", "8"],
        ["from_disk", model, *place, *repeat],
        ["reading_ahead", model, *place, *repeat],
        ["speculation", model, str(options.text), *place, *repeat],
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--gpu-layers", type=int, default=0, help="-1 is all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        collected = Path(folder) / "figures"
        collected.touch()
        for script, *arguments in measurements(options):
            print(f"\n== {script} {' '.join(arguments)}", flush=True)
            subprocess.run(
                [sys.executable, "-m", f"tests.performance.{script}", *arguments],
                check=True,
                env=os.environ | {COLLECT: str(collected)},
            )
        rows = [json.loads(line) for line in collected.read_text("utf-8").splitlines()]
    print("\n| what | ratio | range | asked |\n|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
