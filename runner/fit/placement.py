"""Where a model goes: context, threads, layers on a GPU. Chosen from the model and this machine
unless the user said otherwise, and each choice with its reason."""

from dataclasses import dataclass
from pathlib import Path

from runner.errors import DeviceError, DoesNotFit
from runner.fit.memory import CELLS, Footprint, footprint
from runner.gguf import Header, read_header

COMFORTABLE_CONTEXT = 32768
"""The largest context chosen unasked: longer ones take a laptop's CPU many minutes to fill."""

OFFLOADED_CONTEXT = 8192
"""Tokens of context that layers on a GPU leave room for."""

SEQUENCES = 4
"""Replies under way at once, and beginnings kept for later requests. They share the context; only
recurrent states and sliding windows cost memory for each."""

SHARE_OF_MEMORY = 0.8
"""Of the memory that is free, what a model may take; the rest is for everything else."""

DEVICE_MARGIN = 2**30
"""Bytes kept free on a GPU for its driver and for what the formulas leave out."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for; None leaves the choice to `place`."""

    context: int | None = None
    gpu_layers: int | None = None
    device: str | None = None
    require_gpu: bool = False
    kv_type: str | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """How to load a model. `gpu_layers` −1 means all; `device` None means any."""

    context: int
    gpu_layers: int
    device: str | None
    threads: int
    kv_type: str
    remarks: tuple[str, ...] = ()
    """What a user should know: a context smaller than the model's, layers left on the CPU."""
    sequences: int = SEQUENCES


def place(path: Path, wishes: Wishes) -> Placement:
    """The placement of the model at `path` on this machine.

    Raises DoesNotFit where the weights alone, or the context asked for, exceed the memory that is
    free; DeviceError where a GPU is required and none can be used; BadModelFile.
    """
    from runner import machine
    from runner.llama.devices import devices

    header = read_header(path)
    kv_type = wishes.kv_type or "f16"
    need = footprint(header, kv_type=kv_type, sequences=SEQUENCES)
    gpus = [device for device in devices() if device.kind in ("gpu", "igpu")]
    if wishes.device is not None:
        gpus = [device for device in gpus if device.name.lower() == wishes.device.lower()]
    if wishes.require_gpu and (not gpus or wishes.gpu_layers == 0):
        raise DeviceError(
            "a GPU is required, and this build of llama.cpp offers none",
            remedy="`runner doctor` names the GPUs of this machine and how to use them.",
        )
    free = machine.memory().available
    gpu_free = max((gpu.memory_free for gpu in gpus), default=0)
    gpu_layers = wishes.gpu_layers
    if gpu_layers is None:
        gpu_layers = _layers_that_fit(header, need, gpu_free)
    if gpus and gpu_layers != 0:
        # What goes to a GPU is not held against the machine's own memory.
        largest = max(OFFLOADED_CONTEXT, need.largest_context(gpu_free - DEVICE_MARGIN))
    else:
        _require_memory(path, need, wishes.context, free)
        largest = need.largest_context(int(free * SHARE_OF_MEMORY))
    context, remarks = _context(header, wishes.context, largest)
    layers = int(header.of_architecture("block_count") or 0)
    if wishes.require_gpu and gpu_layers == 0:
        raise DeviceError(
            f"a GPU is required, and no layer of {path.name} fits on {gpus[0].name}",
            remedy="Choose a smaller quantization or free the GPU's memory.",
        )
    if gpus and 0 <= gpu_layers < layers:
        remarks += (
            f"{gpu_layers} of {layers} layers fit on {gpus[0].name}; the rest stay on the CPU",
        )
    return Placement(
        context=context,
        gpu_layers=gpu_layers if gpus else 0,
        device=wishes.device,
        threads=wishes.threads or machine.processors().usable,
        kv_type=kv_type,
        remarks=remarks,
    )


def _require_memory(path: Path, need: Footprint, asked: int | None, free: int) -> None:
    least = CELLS if asked is None else asked
    if need.total(least) > free:
        raise DoesNotFit(
            f"{path.name} needs {need.total(least) / 2**30:.1f} GiB with a context of {least} "
            f"tokens, and {free / 2**30:.1f} GiB are free",
            remedy="Choose a smaller --ctx, --kv q8_0, or a smaller quantization or model."
            if need.total(CELLS) < free
            else "Choose a smaller quantization or a smaller model.",
        )


def _context(header: Header, asked: int | None, largest: int) -> tuple[int, tuple[str, ...]]:
    """The context to use, where `largest` tokens fit, and what to say about it."""
    trained = int(header.of_architecture("context_length") or 4096)
    comfortable = min(trained, COMFORTABLE_CONTEXT)
    if asked is None:
        chosen = max(min(CELLS, trained), min(comfortable, largest))
        if chosen == comfortable:
            return chosen, ()
        return chosen, (f"context {chosen} of the model's {trained}: no more fits into memory",)
    if asked > trained:
        return asked, (f"the model was trained for {trained} tokens of context, not for {asked}",)
    return asked, ()


def _layers_that_fit(header: Header, need: Footprint, device_free: int) -> int:
    """Layers for a GPU with that much free memory: −1 for all, 0 for none."""
    layers = int(header.of_architecture("block_count") or 0)
    room = device_free - DEVICE_MARGIN - need.compute
    if room <= 0 or not layers:
        return 0
    context = min(int(header.of_architecture("context_length") or 4096), OFFLOADED_CONTEXT)
    per_layer = (need.weights + need.total(context) - need.total(0)) / layers
    fitting = int(room / per_layer) if per_layer else layers
    return -1 if fitting > layers else fitting
