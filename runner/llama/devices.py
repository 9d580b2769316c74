"""What this build of llama.cpp can compute on: its devices and instruction sets."""

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.llama.library import PINNED_VERSION, llama_cpp

KINDS = {0: "cpu", 1: "gpu", 2: "igpu", 3: "accelerator"}


@dataclass(frozen=True, slots=True)
class Device:
    """A device as ggml names it; memory in bytes (on a CPU ggml's own reading, not the limit)."""

    name: str
    description: str
    kind: str
    memory_total: int
    memory_free: int


@dataclass(frozen=True, slots=True)
class Build:
    """The llama.cpp that is installed."""

    bindings: str
    library: Path
    offloads: bool
    system_info: str


def _ggml(name: str, result: Any, *arguments: Any) -> Any:
    """A function of ggml that llama-cpp-python does not bind.

    On Linux and macOS it resolves through libllama's dependencies; on Windows each DLL is opened.
    """
    library_folder = Path(llama_cpp._lib._name).parent
    candidates = [llama_cpp._lib]
    candidates += [ctypes.CDLL(str(path)) for path in sorted(library_folder.glob("ggml*.dll"))]
    for library in candidates:
        function = getattr(library, name, None)
        if function is not None:
            function.restype, function.argtypes = result, list(arguments)
            return function
    raise AttributeError(f"ggml has no {name}")


def device_handles() -> list[int]:
    """ggml's own pointers to its devices, in its order."""
    count = _ggml("ggml_backend_dev_count", ctypes.c_size_t)()
    get = _ggml("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return [get(index) for index in range(count)]


def device_of(handle: int) -> Device:
    text = ctypes.c_char_p
    size = ctypes.POINTER(ctypes.c_size_t)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    _ggml("ggml_backend_dev_memory", None, ctypes.c_void_p, size, size)(
        handle, ctypes.byref(free), ctypes.byref(total)
    )
    return Device(
        name=_ggml("ggml_backend_dev_name", text, ctypes.c_void_p)(handle).decode(),
        description=_ggml("ggml_backend_dev_description", text, ctypes.c_void_p)(handle).decode(),
        kind=KINDS.get(_ggml("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)(handle), "?"),
        memory_total=total.value,
        memory_free=free.value,
    )


def devices() -> tuple[Device, ...]:
    """Every device this build found, the CPU among them."""
    return tuple(device_of(handle) for handle in device_handles())


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
