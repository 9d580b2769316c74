"""How close the memory that a plan predicts is to what a process takes that loads the model.

    python -m tests.performance.predicted_memory MODEL.gguf... [--contexts 2048,8192,32768]
        [--kv f16,q8_0] [--threads 1] [--prompt 512] [--seconds 5]

A child process loads the model with Runner's engine and reads a prompt that fills a batch. Its
cache is then filled, with copies of what it read rather than by reading for an hour, and one more
batch is begun with that full context. (Of a large model on a slow machine a shorter prompt will
do, and some more seconds of the batch that is begun.) Measured are the anonymous memory beyond
that before the load (`Anonymous` of /proc/self/smaps_rollup) and the resident pages of the mapped
model (`Rss` in smaps). Linux only.

Predicted: by llama.cpp's dry plan, and beside it by the formulas that a load places by.
"""

import argparse
import contextlib
import ctypes
import json
import mmap
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from runner.engine.model import Model
from runner.engine.options import Options
from runner.fit import Placement, Plan, Wishes, plan
from runner.fit.here import Here, here
from runner.fit.placement import checked, formula_plan
from runner.fit.wishes import BATCH
from runner.llama.context import Batch, DecodeAborted
from runner.llama.library import llama_cpp
from runner.llama.plan import anonymous_bytes

Bytes = npt.NDArray[np.uint8]

MIB = 2**20
SPARE = 64
"""Cells left over by what is filled in."""


def aside(size: int) -> Bytes:
    """Memory that goes back to the system when it is dropped, which malloc's need not."""
    return np.frombuffer(mmap.mmap(-1, size), np.uint8)


def longer(state: Bytes, count: int) -> Bytes:
    """The state of a sequence of `count` tokens, made of that of a shorter one by repeating it.

    The layout is that of llama.cpp's `llama_kv_cache::state_write` after eight bytes that say what
    it is: the number of streams, of cells, and of each its position and the sequences that have it;
    whether V is transposed, the number of layers; of each layer K and then V with their type, the
    bytes of a row and the rows.
    """
    streams, cells = map(int, state[8:16].view(np.uint32))
    data = 16 + 12 * cells
    transposed, layers = map(int, state[data : data + 8].view(np.uint32))
    assert (streams, transposed) == (1, 0), "only a cache of full attention can be filled"
    read, written = data + 8, 16 + 12 * count + 8
    made = aside(written + -(-(len(state) - read) // cells) * count + 24 * layers)
    made[:8] = state[:8]
    made[8:16] = np.array([1, count], np.uint32).view(np.uint8)
    table = made[16 : written - 8].view(np.int32).reshape(count, 3)
    table[:, 0], table[:, 1] = np.arange(count), 1
    made[written - 8 : written] = state[data:read]
    for _ in range(2 * layers):
        row = int.from_bytes(state[read + 4 : read + 12].tobytes(), "little")
        made[written : written + 12] = state[read : read + 12]
        rows = made[written + 12 : written + 12 + row * count].reshape(count, row)
        rows[:] = state[read + 12 : read + 12 + row]  # the first one, again and again
        read, written = read + 12 + row * cells, written + 12 + row * count
    assert read == len(state), "the layout is another one"
    return made[:written]


def fill(model: Model, tokens: int) -> None:
    """Fill that many cells, shared by the sequences that the engine does not use yet."""
    context = model._context
    pointer = ctypes.POINTER(ctypes.c_uint8)
    state = aside(llama_cpp.llama_state_seq_get_size(context.pointer, 0))
    llama_cpp.llama_state_seq_get_data(
        context.pointer, state.ctypes.data_as(pointer), len(state), 0
    )
    others = range(1, context.sequences)
    for number in others:
        data = longer(state, tokens // len(others))
        assert llama_cpp.llama_state_seq_set_data(
            context.pointer, data.ctypes.data_as(pointer), len(data), number
        )


def resident(path: Path) -> int:
    """Bytes of the mapped file that are in memory."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = line.endswith(str(path.resolve()))
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def stop(model: Model, seconds: float) -> None:
    """Stop what is computed after so much of the processor's time. By then its inputs are written,
    among them a mask as long as the context, and layers were computed, which share their memory."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        time.sleep(0.1)
    model._context.abort()


def one_process(options: argparse.Namespace) -> None:
    """Load, read, fill, read again, and print what that takes."""
    placement = Placement(options.context, 0, (), options.threads, options.kv)
    before = anonymous_bytes() or 0
    with Model.open(options.model, placement) as model:
        loaded = (anonymous_bytes() or 0) - before
        prompt = [number % model.vocabulary.size for number in range(BATCH)]
        for _ in model.generate(prompt[: options.prompt], Options(max_tokens=2, ignore_end=True)):
            pass
        fill(model, options.context - options.prompt - BATCH - SPARE)
        batch = Batch(BATCH)
        batch.add(
            prompt, options.prompt + 1, 0, logits=1
        )  # after the prompt and one token of reply
        model._context.allow()
        threading.Thread(target=stop, args=(model, options.seconds), daemon=True).start()
        with contextlib.suppress(DecodeAborted):
            model._context.decode(batch)
        print(json.dumps({
            "loaded": loaded,
            "private": (anonymous_bytes() or 0) - before,
            "file": resident(options.model),
        }))  # fmt: skip


def measured(path: Path, context: int, kv_type: str, options: argparse.Namespace) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.performance.predicted_memory", str(path), "--one"]
    command += ["--context", str(context), "--kv", kv_type]
    for name in ("threads", "prompt", "seconds"):
        command += [f"--{name}", str(getattr(options, name))]
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, int] = json.loads(child.stdout.splitlines()[-1])
    return found


def predicted(path: Path, wishes: Wishes, machine: Here) -> tuple[Plan, Plan]:
    """By llama.cpp, and by formulas."""
    return plan(path, wishes, machine), formula_plan(checked(path, wishes), wishes, machine)


def compare(options: argparse.Namespace) -> None:
    print("| model | context | KV | part | measured MiB | planned | error | by formula | error |")
    print("|---|---|---|---|---|---|---|---|---|")
    worst = 0.0
    for path in options.models:
        for context in map(int, options.contexts.split(",")):
            for kv_type in options.kv.split(","):
                wishes = Wishes(context=context, kv_type=kv_type, device="cpu")
                planned, rough = predicted(path, wishes, here(wishes))
                took = measured(path, context, kv_type, options)
                for part, key in (("private", "private"), ("file_backed", "file")):
                    cells = [path.stem, str(context), kv_type, part, f"{took[key] / MIB:.1f}"]
                    for made in (planned, rough):
                        size = getattr(made.memory(context), part)
                        cells += [f"{size / MIB:.1f}", f"{size / took[key] - 1:+.2%}"]
                    worst = max(worst, abs(getattr(planned.memory(context), part) / took[key] - 1))
                    print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\nlargest error of the plan: {worst:.2%} (asked: at most 3 %)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--contexts", default="2048,8192,32768")
    parser.add_argument("--kv", default="f16,q8_0")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prompt", type=int, default=BATCH, help="tokens that are read whole")
    parser.add_argument("--seconds", type=float, default=5, help="of the batch that is begun")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--context", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        options.model = options.models[0]
        one_process(options)
    else:
        compare(options)


if __name__ == "__main__":
    main()
