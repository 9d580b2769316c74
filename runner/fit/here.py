"""What this machine offers a model: free memory, devices, instruction sets."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import ConfigurationError, DeviceError
from runner.fit.wishes import Wishes
from runner.fit.workers import devices_with

if TYPE_CHECKING:
    from runner.llama.devices import Device


@dataclass(frozen=True, slots=True)
class Here:
    """`free` bytes of main memory, the `gpus` that may take layers, and the instruction sets for
    which weights are repacked (none where they are not)."""

    free: int
    gpus: "tuple[Device, ...]" = ()
    sets: frozenset[str] = frozenset()


def here(wishes: Wishes) -> Here:
    """This machine, and the workers that are wished.

    Raises DeviceError where a GPU is required and none can be used, a device does not exist or a
    worker does not answer; ConfigurationError, BuildError.
    """
    from runner import machine
    from runner.llama.devices import instruction_sets

    gpus = _gpus(wishes)
    sets = frozenset(instruction_sets())
    if not wishes.repack or "REPACK" not in sets or (wishes.gpu_layers != 0 and _pinned(gpus)):
        sets = frozenset()
    return Here(machine.memory().available, tuple(gpus), sets)


def here_at_once(wishes: Wishes) -> Here:
    """As `here`, without loading llama.cpp where only the processor can compute, by whose own word
    the instruction sets are taken then. Raises as `here` does."""
    from runner import machine
    from runner.llama.backends import may_have_gpus

    alone = (wishes.device or "").lower() == "cpu" or not (wishes.device or may_have_gpus())
    if wishes.rpc or wishes.require_gpu or not alone:
        return here(wishes)
    sets = frozenset(machine.instruction_sets() if wishes.repack else ())
    return Here(machine.memory().available, (), sets)


def _gpus(wishes: Wishes) -> "list[Device]":
    """The devices that may take layers: those named; else workers, then this machine's GPUs, and
    its integrated ones where it has no other."""
    from runner.llama.devices import named

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


def _pinned(gpus: "Collection[Device]") -> bool:
    """Whether the processor's weights lie where a GPU of this machine reads them by itself: then
    llama.cpp repacks none. Metal's and a worker's devices have no such memory."""
    return sys.platform != "darwin" and any(not gpu.worker for gpu in gpus)


def shares(text: str | None, gpus: "Sequence[Device]") -> list[float]:
    """Proportions from `3,1`, one for each GPU; empty where none are given."""
    if text is None:
        return []
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != len(gpus) or min(found) < 0 or not 0 < sum(found) < float("inf"):
        raise ConfigurationError(
            f"--tensor-split is {text!r}; it must be a number for each of "
            f"{len(gpus)} devices, such as 3,1",
            remedy="Name the devices with --device, in the same order.",
        )
    return found
