"""Runner's engine beside llama.cpp's own benchmark program, as the people of llama.cpp measure.

    python -m tests.performance.native MODEL.gguf [--repeat 3]

Builds llama-bench from the source package of the llama-cpp-python that Runner pins, once, in a
folder of the user's cache: that needs a compiler, CMake and the package index, and takes about as
long as Runner's first start. Then both measure by turns: a prompt of 512 tokens, and 128 tokens of
reply from an empty cache, with the same threads, batch and flash attention.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path

from runner.engine.model import BATCH, Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.llama.library import PINNED_VERSION
from tests.performance.interleaved import pairs, show

FOLDER = Path.home() / ".cache" / "runner-native"
PROMPT, REPLY = 512, 128


def llama_bench() -> Path:
    """The program, built where it is not there yet."""
    program = FOLDER / PINNED_VERSION / "build" / "bin" / "llama-bench"
    if not program.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(FOLDER)]
        download += ["--no-binary", "llama-cpp-python", f"llama-cpp-python=={PINNED_VERSION}"]
        subprocess.run(download, check=True)
        name = f"llama_cpp_python-{PINNED_VERSION}"
        with tarfile.open(FOLDER / f"{name}.tar.gz") as package:
            package.extractall(FOLDER / PINNED_VERSION, filter="data")
        source = FOLDER / PINNED_VERSION / name / "vendor" / "llama.cpp"
        build = FOLDER / PINNED_VERSION / "build"
        flags = ["-DCMAKE_BUILD_TYPE=Release", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_OPENSSL=OFF"]
        flags += ["-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_APP=OFF"]
        subprocess.run(["cmake", "-S", str(source), "-B", str(build), *flags], check=True)
        jobs = str(os.cpu_count())
        make = ["cmake", "--build", str(build), "--target", "llama-bench", "--parallel", jobs]
        subprocess.run(make, check=True)
    return program


def native(program: Path, model: Path, threads: int) -> dict[str, float]:
    """Its rates, in tokens/s."""
    done = subprocess.run(
        [program, "-m", model, "-p", str(PROMPT), "-n", str(REPLY), "-t", str(threads), "-r", "1",
         "-b", str(BATCH), "-ub", str(BATCH), "-fa", "1", "-ngl", "0", "-o", "json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    return {"decode" if test["n_gen"] else "prefill": test["avg_ts"] for test in found}


def engine(model: Model, number: int) -> dict[str, float]:
    draw = random.Random(number)

    def rates(prompt_tokens: int, reply_tokens: int) -> tuple[float, float]:
        prompt = [draw.randrange(model.vocabulary.size) for _ in range(prompt_tokens)]
        options = Options(
            sampling=Sampling(temperature=0), max_tokens=reply_tokens, ignore_end=True,
            reuse=False, private=True,
        )  # fmt: skip
        stream = model.generate(prompt, options)
        for _ in stream:
            pass
        return stream.finish.timings.prefill_rate, stream.finish.timings.decode_rate

    return {"prefill": rates(PROMPT, 1)[0], "decode": rates(1, REPLY + 1)[1]}


def main() -> None:
    from runner.machine import processors

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=processors().usable)
    options = parser.parse_args()
    program = llama_bench()
    with Model.open(options.model, Placement(1024, 0, None, options.threads, "f16")) as model:
        measured = pairs(
            {
                "llama-bench": lambda _: native(program, options.model, options.threads),
                "Runner": lambda number: engine(model, number),
            },
            options.repeat,
        )
    for what in ("prefill", "decode"):
        rates = [{side: rate[what] for side, rate in pair.items()} for pair in measured]
        show(what, "tokens/s", rates)


if __name__ == "__main__":
    main()
