"""Where a model goes: context, threads, layers on each device. Chosen from the model and this
machine unless the user said otherwise, and each choice with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import ConfigurationError, DeviceError, DoesNotFit
from runner.fit.limits import check_kv_type, learned_positions
from runner.fit.memory import CELLS, Footprint, footprint
from runner.fit.offload import apportion, layer_bytes, most_that_fit
from runner.fit.workers import devices_with
from runner.gguf import Header, read_header
from runner.llama.devices import Device, named

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
    """What the user asked for; None leaves the choice to `place`.

    `device` names devices, separated by commas, or says "cpu"; `rpc` holds workers as
    `host:port[,…]`.
    """

    context: int | None = None
    gpu_layers: int | None = None
    device: str | None = None
    require_gpu: bool = False
    kv_type: str | None = None
    threads: int | None = None
    rpc: str | None = None
    tensor_split: str | None = None
    experts_on_cpu: bool = False
    flash_attention: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """How to load a model. `gpu_layers` −1 means all, the output included; `devices` None means
    this machine's GPUs, `split` is the share of the layers that each device gets."""

    context: int
    gpu_layers: int
    devices: tuple[str, ...] | None
    threads: int
    kv_type: str
    remarks: tuple[str, ...] = ()
    """What a user should know: a context smaller than the model's, where its layers are."""
    sequences: int = SEQUENCES
    split: tuple[float, ...] = ()
    experts_on_cpu: bool = False
    flash_attention: str = "auto"


def place(path: Path, wishes: Wishes) -> Placement:
    """The placement of the model at `path` on this machine, and on the workers that are wished.

    Raises DoesNotFit where the weights alone, or the context asked for, exceed the memory that is
    free; DeviceError where a GPU is required and none can be used, a device does not exist or a
    worker does not answer; ConfigurationError where the model cannot do what is asked;
    BadModelFile.
    """
    from runner import machine

    header = read_header(path)
    kv_type, flash_attention = wishes.kv_type or "f16", wishes.flash_attention or "auto"
    check_kv_type(header, kv_type, flash_attention)
    _check_positions(header, wishes.context)
    need = footprint(header, kv_type=kv_type, sequences=SEQUENCES)
    gpus = _gpus(wishes)
    plan = _Plan(header, need, wishes, gpus, machine.memory().available)
    context, counts = plan.choose(path)
    remarks = _context_remarks(header, wishes.context, context)
    if gpus and wishes.gpu_layers != 0 and not sum(counts):
        too_large = f"no layer of {path.name} fits on " + " or ".join(gpu.name for gpu in gpus)
        if wishes.require_gpu:
            raise DeviceError(
                f"a GPU is required, and {too_large}",
                remedy="Choose a smaller quantization or free the GPU's memory.",
            )
        remarks = (f"{too_large}: the CPU has them all", *remarks)
    return Placement(
        context=context,
        gpu_layers=sum(counts),
        devices=tuple(gpu.name for gpu in gpus) if sum(counts) else (),
        threads=wishes.threads or machine.processors().usable,
        kv_type=kv_type,
        remarks=remarks,
        split=counts if sum(counts) else (),
        experts_on_cpu=wishes.experts_on_cpu,
        flash_attention=flash_attention,
    )


def _check_positions(header: Header, asked: int | None) -> None:
    known = learned_positions(header)
    if asked is not None and known is not None and asked > known:
        raise ConfigurationError(
            f"a context of {asked} tokens was asked for, and this model has learned {known} "
            "positions and no others",
            remedy=f"Use --ctx {known} or less.",
        )


def _gpus(wishes: Wishes) -> list[Device]:
    """The devices that may take layers: those named; else workers, then this machine's GPUs, and
    its integrated ones where it has no other."""
    there = devices_with(wishes.rpc)
    if wishes.device is not None:
        chosen = named(wishes.device.split(","), there)
        gpus = [one for one in chosen if one.kind in ("gpu", "igpu")]
    else:
        gpus = [one for one in there if one.worker]
        own = [one for one in there if not one.worker and one.kind in ("gpu", "igpu")]
        gpus += [one for one in own if one.kind == "gpu"] or own
    if wishes.require_gpu and (not gpus or wishes.gpu_layers == 0):
        raise DeviceError(
            "a GPU is required, and "
            + (
                "other options leave everything to the CPU"
                if any(one.kind in ("gpu", "igpu") for one in there)
                else "this build of llama.cpp offers none"
            ),
            remedy="`runner doctor` names the GPUs of this machine and how to use them.",
        )
    return gpus


class _Plan:
    """What fits where: layers on `gpus`, the rest into `free` bytes of this machine's memory."""

    def __init__(
        self, header: Header, need: Footprint, wishes: Wishes, gpus: list[Device], free: int
    ) -> None:
        self._header, self._need, self._wishes = header, need, wishes
        self._gpus, self._free = gpus, free
        self._rooms = [gpu.memory_free - DEVICE_MARGIN - need.compute for gpu in gpus]
        self._shares = _shares(wishes.tensor_split, gpus) or [max(r, 1) for r in self._rooms]
        self._trained = _trained(header)

    def choose(self, path: Path) -> tuple[int, tuple[int, ...]]:
        """The context, and the layers for each GPU."""
        asked, comfortable = self._wishes.context, min(self._trained, COMFORTABLE_CONTEXT)
        least = min(comfortable, OFFLOADED_CONTEXT) if asked is None else asked
        counts = self._counts(least)
        self._require_memory(path, counts, CELLS if asked is None else asked)
        if asked is not None:
            return asked, counts
        if not sum(counts):
            largest = self._need.largest_context(int(self._free * SHARE_OF_MEMORY))
            return max(min(CELLS, self._trained), min(comfortable, largest)), counts
        # As long as it fits on the CPU, and beyond `least` where no layer leaves its device for it.
        context = comfortable
        while context > CELLS and (
            self._on_cpu(counts, context) > self._free * SHARE_OF_MEMORY
            or (context > least and self._counts(context) != counts)
        ):
            context = max(CELLS, context // 2 // CELLS * CELLS)
        return context, counts

    def _counts(self, context: int) -> tuple[int, ...]:
        """Layers for each GPU with that context; as many as are wished, else as fit."""
        wished = self._wishes.gpu_layers
        if not self._gpus or wished == 0:
            return (0,) * len(self._gpus)
        layers = self._layers(context)
        if wished is None:
            return most_that_fit(layers, self._rooms, self._shares)
        return apportion(len(layers) if wished < 0 else min(wished, len(layers)), self._shares)

    def _layers(self, context: int) -> list[int]:
        experts = self._wishes.experts_on_cpu
        return layer_bytes(self._header, self._need, context, experts_on_cpu=experts)

    def _on_cpu(self, counts: tuple[int, ...], context: int) -> int:
        """Bytes that stay in this machine's memory. What an integrated GPU takes is of it too."""
        start = len(self._layers(context)) - sum(counts)
        gone = 0
        for gpu, count in zip(self._gpus, counts, strict=True):
            if gpu.kind == "gpu":
                gone += sum(self._layers(context)[start : start + count])
            start += count
        return self._need.total(context) - gone

    def _require_memory(self, path: Path, counts: tuple[int, ...], context: int) -> None:
        needed = self._on_cpu(counts, context)
        if needed <= self._free:
            return
        what = "on the CPU " if sum(counts) else ""
        raise DoesNotFit(
            f"{path.name} needs {needed / 2**30:.1f} GiB {what}with a context of {context} tokens, "
            f"and {self._free / 2**30:.1f} GiB are free",
            remedy="Choose a smaller --ctx, --kv q8_0, or a smaller quantization or model."
            if self._on_cpu(counts, CELLS) < self._free
            else "Choose a smaller quantization or a smaller model.",
        )


def _shares(text: str | None, gpus: Sequence[Device]) -> list[float]:
    """Proportions from `3,1`, one for each GPU; empty where none are given."""
    if text is None:
        return []
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != len(gpus) or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        raise ConfigurationError(
            f"--tensor-split is {text!r}; it must be a number for each of "
            f"{len(gpus)} devices, such as 3,1",
            remedy="Name the devices with --device, in the same order.",
        )
    return shares


def _trained(header: Header) -> int:
    """The context the model was trained for."""
    said = int(header.of_architecture("context_length") or 4096)
    return min(said, learned_positions(header) or said)


def _context_remarks(header: Header, asked: int | None, context: int) -> tuple[str, ...]:
    trained = _trained(header)
    if asked is not None and asked > trained:
        return (f"the model was trained for {trained} tokens of context, not for {asked}",)
    if asked is None and context < min(trained, COMFORTABLE_CONTEXT):
        return (f"context {context} of the model's {trained}: no more fits into memory",)
    return ()
