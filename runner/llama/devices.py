"""What this build of llama.cpp can compute on: its devices and instruction sets."""

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import DeviceError
from runner.llama.library import PINNED_VERSION, ggml, llama_cpp
from runner.llama.rpc import relay_at

KINDS = {0: "cpu", 1: "gpu", 2: "igpu", 3: "accelerator"}


@dataclass(frozen=True, slots=True)
class Device:
    """A device as ggml names it; memory in bytes (on a CPU ggml's own reading, not the limit).

    `worker` is the `host:port` of the worker that serves it, None for this machine's own. ggml
    calls such a device a GPU, whatever it is there.
    """

    name: str
    description: str
    kind: str
    memory_total: int
    memory_free: int
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """The llama.cpp that is installed."""

    bindings: str
    library: Path
    offloads: bool
    system_info: str


def device_handles() -> list[int]:
    """ggml's own pointers to its devices, in its order, without those of workers that were lost."""
    count = ggml("ggml_backend_dev_count", ctypes.c_size_t)()
    get = ggml("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    handles = [get(index) for index in range(count)]
    return [one for one in handles if not ((relay := relay_at(_described(one))) and relay.lost)]


def _described(handle: int) -> str:
    """ggml's description; of a worker's device it is the address of the relay."""
    describe = ggml("ggml_backend_dev_description", ctypes.c_char_p, ctypes.c_void_p)
    return str(describe(handle).decode())


def device_of(handle: int) -> Device:
    size = ctypes.POINTER(ctypes.c_size_t)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ggml("ggml_backend_dev_memory", None, ctypes.c_void_p, size, size)(
        handle, ctypes.byref(free), ctypes.byref(total)
    )
    description = _described(handle)
    relay = relay_at(description)
    return Device(
        name=ggml("ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)(handle).decode(),
        description=f"worker {relay.worker}" if relay else description,
        kind=KINDS.get(ggml("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)(handle), "?"),
        memory_total=total.value,
        memory_free=free.value,
        worker=relay.worker if relay else None,
    )


def devices() -> tuple[Device, ...]:
    """Every device this build found and every one joined, the CPU among them."""
    return tuple(device_of(handle) for handle in device_handles())


def named(names: Iterable[str], offered: Sequence[Device]) -> list[Device]:
    """Those of the `offered` devices that have these names, in the names' order.

    Raises DeviceError where one does not exist.
    """
    by_name = {device.name.lower(): device for device in offered}
    wanted = [name.strip() for name in names if name.strip()]
    for name in wanted:
        if name.lower() not in by_name:
            raise DeviceError(
                f"there is no device {name!r}; there is "
                + ", ".join(device.name for device in offered),
                remedy="`runner doctor` lists devices and how to get more.",
            )
    return [by_name[name.lower()] for name in wanted]


def build() -> Build:
    return Build(
        bindings=PINNED_VERSION,
        library=Path(llama_cpp._lib._name),
        offloads=bool(llama_cpp.llama_supports_gpu_offload()),
        system_info=llama_cpp.llama_print_system_info().decode(),
    )


def instruction_sets() -> tuple[str, ...]:
    """The processor instruction sets this build was compiled for, e.g. ("AVX2", "FMA").

    Read from llama.cpp's own line: `CPU : SSE3 = 1 | AVX2 = 1 | … | REPACK = 1 |`.
    """
    found = []
    for part in build().system_info.replace(":", "|").split("|"):
        name, _, value = part.partition("=")
        if value.strip() == "1":
            found.append(name.strip())
    return tuple(found)
