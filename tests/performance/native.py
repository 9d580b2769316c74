"""Runner's engine beside llama.cpp's own benchmark programs, as the people of llama.cpp measure.

    python -m tests.performance.native MODEL.gguf [--repeat 3]

Builds llama-bench and llama-batched-bench from the source package of the llama-cpp-python that
Runner pins, once, in a folder of the user's cache: that needs a compiler, CMake and the package
index, and takes about as long as Runner's first start. Then both sides measure by turns: a prompt
of 512 tokens, 128 tokens of reply from an empty cache, and 8 replies of 64 tokens at once after
prompts of 16, with the same threads, batch and flash attention.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path

from runner.engine.model import Model
from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.fit.wishes import BATCH
from runner.llama.library import PINNED_VERSION
from tests.performance.engine_vs_bare_loop import engine_run
from tests.performance.interleaved import pairs, show

FOLDER = Path.home() / ".cache" / "runner-native"
PROGRAMS = ("llama-bench", "llama-batched-bench")
PROMPT, REPLY = 512, 128
TOGETHER, SHORT, EACH = 8, 16, 64
"""Replies at once, the tokens of the prompt of each, and of the reply."""


def programs() -> Path:
    """The folder with llama.cpp's programs, built where they are not there yet."""
    build = FOLDER / PINNED_VERSION / "build"
    if not all((build / "bin" / program).exists() for program in PROGRAMS):
        FOLDER.mkdir(parents=True, exist_ok=True)
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(FOLDER)]
        download += ["--no-binary", "llama-cpp-python", f"llama-cpp-python=={PINNED_VERSION}"]
        subprocess.run(download, check=True)
        name = f"llama_cpp_python-{PINNED_VERSION}"
        with tarfile.open(FOLDER / f"{name}.tar.gz") as package:
            package.extractall(FOLDER / PINNED_VERSION, filter="data")
        source = FOLDER / PINNED_VERSION / name / "vendor" / "llama.cpp"
        flags = ["-DCMAKE_BUILD_TYPE=Release", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_OPENSSL=OFF"]
        flags += ["-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_APP=OFF"]
        subprocess.run(["cmake", "-S", str(source), "-B", str(build), *flags], check=True)
        jobs = ["--parallel", str(os.cpu_count())]
        make = ["cmake", "--build", str(build), "--target", *PROGRAMS, *jobs]
        subprocess.run(make, check=True)
    return build / "bin"


def native(folder: Path, model: Path, threads: int) -> dict[str, float]:
    """Their rates, in tokens/s."""
    common = [
        "-m",
        str(model),
        "-t",
        str(threads),
        "-b",
        str(BATCH),
        "-ub",
        str(BATCH),
        "-ngl",
        "0",
    ]
    alone = [str(folder / "llama-bench"), *common, "-p", str(PROMPT), "-n", str(REPLY), "-r", "1"]
    done = subprocess.run(
        [*alone, "-fa", "1", "-o", "json"], check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    rates = {"decode" if test["n_gen"] else "prefill": test["avg_ts"] for test in found}
    batched = [str(folder / "llama-batched-bench"), *common, "-c", str(TOGETHER * (SHORT + EACH))]
    batched += ["-npp", str(SHORT), "-ntg", str(EACH), "-npl", str(TOGETHER), "-fa", "on"]
    done = subprocess.run(
        [*batched, "--output-format", "jsonl"], check=True, capture_output=True, text=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return rates | {"together": json.loads(line)["speed_tg"]}


def engine(model: Model, number: int) -> dict[str, float]:
    draw = random.Random(number)

    def prompts(count: int, tokens: int) -> list[list[int]]:
        return [[draw.randrange(model.vocabulary.size) for _ in range(tokens)]
                for _ in range(count)]  # fmt: skip

    greedy = Sampling(temperature=0)
    return {
        "prefill": engine_run(model, greedy, prompts(1, PROMPT), 2).prefill_rate,
        "decode": engine_run(model, greedy, prompts(1, 1), REPLY + 1).decode_rate,
        "together": engine_run(model, greedy, prompts(TOGETHER, SHORT), EACH).decode_rate,
    }


def main() -> None:
    from runner.machine import processors

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=processors().usable)
    options = parser.parse_args()
    folder = programs()
    placement = Placement(1024, 0, None, options.threads, "f16", sequences=TOGETHER)
    with Model.open(options.model, placement) as model:
        measured = pairs(
            {
                "llama.cpp": lambda _: native(folder, options.model, options.threads),
                "Runner": lambda number: engine(model, number),
            },
            options.repeat,
        )
    for what, title in (
        ("prefill", f"prefill, {PROMPT} tokens"),
        ("decode", f"decode, {REPLY} tokens"),
        ("together", f"decode, {EACH} tokens of each of {TOGETHER} sequences"),
    ):
        rates = [{side: rate[what] for side, rate in pair.items()} for pair in measured]
        show(title, "tokens/s", rates)


if __name__ == "__main__":
    main()
