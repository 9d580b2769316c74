"""What it takes to judge every quantization of a repository before any is fetched.

    RUNNER_SHARED=../shared python -m tests.performance.remote_fit [--repeat 5]

Twenty files of a 7B model's exact shape, length and tokenizer stand on a loopback Hub in this very
process, without their weights. Measured are the seconds that their headers take, the bytes fetched
for the first and for each further one, the file that llama.cpp plans with, and all that again once
it is kept.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import gguf

from tests.hub.header_files import Dimensions, Vocabulary, write_header_file
from tests.loopback import LoopbackHub
from tests.loopback.repository import Big

T = TypeVar("T")

KINDS = ("Q4_K", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0", "IQ1_S",
         "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS",
         "F16")  # fmt: skip
SHAPE = Dimensions(28, 3584, 28, 4, 18_944, 131_072)
REPOSITORY = "org/model-GGUF"


def real_vocabulary() -> Vocabulary:
    """Qwen 2's: 151,936 tokens and 151,387 merges."""
    shared = os.environ.get("RUNNER_SHARED")
    if not shared:
        raise SystemExit("set RUNNER_SHARED to the folder that has vocab/ggml-vocab-qwen2.gguf")
    fields = gguf.GGUFReader(Path(shared) / "vocab" / "ggml-vocab-qwen2.gguf").fields
    return Vocabulary(
        fields["tokenizer.ggml.tokens"].contents(),
        fields["tokenizer.ggml.merges"].contents(),
        "qwen2",
    )


def timed(errand: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = errand()
    return time.perf_counter() - start, result


def measure(server: LoopbackHub, home: Path) -> dict[str, float]:
    """One round from an empty cache. Seconds and bytes."""
    os.environ["RUNNER_HOME"] = str(home)
    from runner.hub import Hub

    hub = Hub(server.endpoint)
    listing = hub.listing(REPOSITORY)
    server.requests.clear()
    first, _ = timed(lambda: hub.headers(listing, listing.files[:1]))
    first_bytes = sum(request.sent for request in server.seen("cdn"))
    server.requests.clear()
    rest, _ = timed(lambda: hub.headers(listing, listing.files))
    by_file: dict[str, int] = {}
    for request in server.seen("cdn"):
        by_file[request.path] = by_file.get(request.path, 0) + request.sent
    file, _ = timed(lambda: hub.header_file(listing, listing.files[0]))
    again, _ = timed(lambda: Hub(server.endpoint).headers(listing, listing.files))
    return {
        "all 20 headers, s": first + rest,
        "the first, s": first,
        "the file to plan with, s": file,
        "all 20 again, kept, s": again,
        "the first, MB": first_bytes / 1e6,
        "each further one at most, MB": max(by_file.values()) / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LoopbackHub() as server:
        vocabulary = real_vocabulary()
        files = {}
        for kind in KINDS:
            path = write_header_file(Path(folder) / f"m-{kind}.gguf", kind, vocabulary, SHAPE)
            files[path.name] = Big(path, hashlib.sha256(kind.encode()).hexdigest())
        server.add(REPOSITORY, files)
        homes = [Path(folder) / f"home{number}" for number in range(options.repeat)]
        rounds = [measure(server, home) for home in homes]
    for name in rounds[0]:
        values = [each[name] for each in rounds]
        low, high = min(values), max(values)
        print(f"{name:<30} {statistics.median(values):8.3f}   ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
