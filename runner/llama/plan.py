"""Has llama.cpp plan a model that it does not load: which buffers it would make for a context.

A child process loads the file without its weights and builds contexts without their memory; what
llama.cpp logs then are the sizes it would have taken. A sparse file that holds the header alone
serves as well as the whole one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner.llama.child import answer, ask

# "sched_reserve:      CUDA0 compute buffer size =   304.00 MiB"
COMPUTE = re.compile(r"(\S+) +compute buffer size = +([\d.]+) MiB")
OUTPUT = re.compile(r"output buffer size = +([\d.]+) MiB")
# "llama_kv_cache: size =  112.00 MiB (  4096 cells, …": KV of full attention and of windows
# "llama_memory_recurrent: size =    0.54 MiB (     4 cells, …"
CACHE = re.compile(r"^llama_(?:kv_cache|memory)\w*: size = +([\d.]+) MiB")
RECURRENT = re.compile(r"RS buffer size = +([\d.]+) MiB")
MIB = 2**20
CPU = "CPU"


@dataclass(frozen=True, slots=True)
class Question:
    """What to plan: contexts of these lengths, and the rest as a load would be told. A device is
    its name, or a worker's `host:port` and the number of the device there."""

    contexts: tuple[int, ...]
    batch: int
    micro_batch: int
    outputs: int
    sequences: int
    kv_type: str = "f16"
    flash_attention: str = "auto"
    gpu_layers: int = 0
    devices: tuple[tuple[str | None, str, int], ...] = ()
    split: tuple[float, ...] = ()
    experts_on_cpu: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """Bytes that llama.cpp plans for one context: caches wherever they are, buffers of a batch by
    device, rows of logits."""

    context: int
    caches: int
    compute: dict[str, int]
    outputs: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`held` are bytes that the child kept of a load without weights, vocabulary and tables; None
    where its system does not tell."""

    held: int | None
    contexts: tuple[Planned, ...]


def dry_plan(path: Path, question: Question) -> Answer:
    """What llama.cpp plans for the model at `path`. Raises BadModelFile, DeviceError, and
    DoesNotFit where it cannot make such a context."""
    said = ask("runner.llama.plan", path, asdict(question))
    said["contexts"] = tuple(Planned(**one) for one in said["contexts"])
    return Answer(**said)


def figures(log: Iterable[str], context: int) -> Planned:
    """The sizes in llama.cpp's log of a context. What a GPU's host memory holds is the CPU's."""
    caches = outputs = 0
    compute: dict[str, int] = {}
    for line in log:
        if match := COMPUTE.search(line):
            compute[match[1]] = _bytes(match[2])
        elif match := OUTPUT.search(line):
            outputs += _bytes(match[1])
        elif match := CACHE.match(line):
            caches += _bytes(match[1])
    hosts = [device for device in compute if device.endswith("_Host")]
    compute[CPU] = compute.get(CPU, 0) + sum(compute.pop(host) for host in hosts)
    return Planned(context, caches, compute, outputs)


def _bytes(mebibytes: str) -> int:
    return round(float(mebibytes) * MIB)


def anonymous_bytes() -> int | None:
    """Memory of this process that no file backs; None where the system does not tell."""
    import psutil

    try:
        text = Path("/proc/self/smaps_rollup").read_text("ascii")
    except OSError:
        # Elsewhere the nearest there is: what would be free if the process ended.
        try:
            return int(psutil.Process().memory_full_info().uss)
        except (psutil.Error, AttributeError):
            return None
    match = re.search(r"^Anonymous: +(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _plan(path: Path, said: dict[str, Any]) -> dict[str, Any]:
    from runner.llama import library
    from runner.llama.context import LlamaContext
    from runner.llama.model import LlamaModel

    question = Question(**said)
    names = _names(question.devices)
    before = anonymous_bytes()
    model = LlamaModel(
        path,
        gpu_layers=question.gpu_layers,
        devices=list(names),
        split=question.split,
        experts_on_cpu=question.experts_on_cpu,
        allocate=False,
    )
    planned, held = [], None
    for context in question.contexts:
        made = LlamaContext(
            model,
            context=context,
            batch=question.batch,
            micro_batch=question.micro_batch,
            threads=1,
            kv_type=question.kv_type,
            flash_attention=question.flash_attention,
            sequences=question.sequences,
            outputs=question.outputs,
        )
        log = list(library.recent_log)
        planned.append(figures(log, context))
        if held is None and before is not None:
            # Recurrent states are made even so; they are counted with the caches.
            states = sum(_bytes(match[1]) for line in log if (match := RECURRENT.search(line)))
            held = max(0, (anonymous_bytes() or before) - before - states)
        made.close()
    renamed = dict(zip(names, (asked[1] for asked in question.devices), strict=True))
    renamed |= {_buffer_name(*asked): asked[1] for asked in question.devices}
    return {
        "held": held,
        "contexts": [
            asdict(one)
            | {"compute": {renamed.get(name, name): size for name, size in one.compute.items()}}
            for one in planned
        ],
    }


def _names(wanted: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """What this process calls the devices that are asked for: a worker's get their names in the
    order in which they join."""
    if not wanted:
        return ()
    from runner.llama import rpc
    from runner.llama.devices import devices

    for worker in dict.fromkeys(worker for worker, _, _ in wanted if worker):
        host, port = rpc.addresses(worker)[0]
        rpc.join(host, port)
    there = devices()
    return tuple(
        name if worker is None else [d.name for d in there if d.worker == worker][number]
        for worker, name, number in wanted
    )


def _buffer_name(worker: str | None, name: str, number: int) -> str:
    """What llama.cpp calls the buffers of a device in its log: of a worker's it says where it is
    reached, because each worker counts its devices anew."""
    from runner.llama import rpc

    return f"RPC{number}[{rpc.relay_of(worker).endpoint}]" if worker else name


if __name__ == "__main__":
    answer(_plan)
