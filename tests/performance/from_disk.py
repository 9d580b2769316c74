"""How much sooner a long conversation goes on where its prefix was kept on disk.

    python -m tests.performance.from_disk MODEL.gguf [--tokens 6000] [--repeat 3]

Every run is a process of its own that loads the model and asks for one token after a prompt that
was read before: once with the store, from which all but the last token is restored (checksum
included), once without, so that it is read again. The file's pages are in memory (warm) unless
`--cold` drops them first (Linux, as far as the system lets an ordinary user).
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runner.engine.model import Model
from runner.engine.options import Options
from runner.fit import Placement
from runner.kvstore import Store
from tests.performance.interleaved import pairs, show

QUOTA = 20 * 10**9


def one_process(options: argparse.Namespace) -> None:
    """Load, ask, and print what that took, in seconds."""
    store = Store(options.store, QUOTA, remark=print) if options.store else None
    placement = Placement(
        -(-(options.tokens + 64) // 256) * 256,
        options.gpu_layers,
        None,
        options.threads,
        "f16",
        sequences=2,
    )
    draw = random.Random(1)
    with Model.open(options.model, placement, store=store, identity="measured") as model:
        prompt = [draw.randrange(model.vocabulary.size) for _ in range(options.tokens)]
        stream = model.generate(prompt, Options(max_tokens=1, ignore_end=True))
        for _ in stream:
            pass
        timings = stream.finish.timings
    print(json.dumps({
        "first token": timings.first_token_seconds,
        "from process start": time.time() - options.started
        - (timings.total_seconds - timings.first_token_seconds),
        "reused": timings.reused_tokens,
    }))  # fmt: skip


def run(options: argparse.Namespace, store: Path | None) -> dict[str, float]:
    for file in (file for file in store.rglob("*") if file.is_file()) if store else ():
        with file.open("rb") as opened:
            if options.cold:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            else:  # a system short of memory may have dropped them while the other side read
                while opened.read(2**24):
                    pass
    arguments = [str(options.model), "--tokens", str(options.tokens), "--one", str(time.time())]
    arguments += ["--threads", str(options.threads), "--gpu-layers", str(options.gpu_layers)]
    arguments += ["--store", str(store)] if store else []
    done = subprocess.run(
        [sys.executable, "-m", "tests.performance.from_disk", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return facts


def main() -> None:
    from runner.machine import processors

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=processors().usable)
    parser.add_argument("--gpu-layers", type=int, default=0, help="-1 is all")
    parser.add_argument("--cold", action="store_true", help="drop the file's pages before each run")
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", type=float, dest="started", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.started:
        one_process(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        run(options, store)  # reads, and keeps what it read
        kept = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
        measured = pairs(
            {
                "restored": lambda _: run(options, store),
                "read again": lambda _: run(options, None),
            },
            options.repeat,
        )
        print(f"{options.tokens} tokens, {kept / 10**6:.0f} MB on disk; "
              f"{measured[0]['restored']['reused']} tokens restored")  # fmt: skip
        for what, bound in (("first token", "100"), ("from process start", "20")):
            seconds = [{side: pair[side][what] for side in pair} for pair in measured]
            title = f"{options.tokens} tokens from disk, {what}"
            show(title, "s", seconds, bound=f"at least {bound} times")


if __name__ == "__main__":
    main()
