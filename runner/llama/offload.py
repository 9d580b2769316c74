"""Layers on devices: how llama.cpp is told when it loads a model, and what it says that it did."""

import ctypes
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from runner.llama.devices import Device, device_handles, device_of, named
from runner.llama.library import ggml, llama_cpp

EXPERTS = rb"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
"""The tensors of a mixture's experts, by name: most of its weights, little of its work."""

# "load_tensors: layer  27 assigned to device CUDA0, is_swa = 0"; the output counts as a layer.
ASSIGNED = re.compile(r"layer +\d+ assigned to device (.+), is_swa")


class BufferOverride(ctypes.Structure):
    """llama_model_tensor_buft_override, of which the bindings only declare the name."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


def device_list(names: Iterable[str] | None) -> tuple[Any, list[Device]]:
    """The devices of these names, or this machine's GPUs; as the NULL-terminated list that
    llama.cpp takes and as we do. Raises DeviceError where one does not exist.

    Without a list llama.cpp would take every worker that the process ever joined, too.
    """
    there = {device_of(handle): handle for handle in device_handles()}
    if names is None:
        chosen = [one for one in there if one.kind in ("gpu", "igpu") and not one.worker]
    else:
        chosen = named(names, list(there))
    handles = [there[device] for device in chosen]
    return (ctypes.c_void_p * (len(handles) + 1))(*handles, None), chosen


def split_list(shares: Sequence[float]) -> Any:
    """Each device's share of the layers. llama.cpp copies as many as it can have devices, however
    many there are."""
    return (ctypes.c_float * llama_cpp.llama_max_devices())(*shares)


def experts_override() -> Any:
    """The list that keeps experts in the CPU's memory, whatever device has their layer."""
    cpu = ggml("ggml_backend_cpu_buffer_type", ctypes.c_void_p)()
    return (BufferOverride * 2)(BufferOverride(EXPERTS, cpu), BufferOverride(None, None))


def assigned_layers(log: Iterable[str]) -> dict[str, int]:
    """How many layers each device got, by the log of a load; the output is one more layer."""
    return dict(Counter(match[1] for line in log if (match := ASSIGNED.search(line))))
