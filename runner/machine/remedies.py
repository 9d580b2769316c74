"""The one line that gives llama.cpp the GPU that the installed build cannot use.

Where the vendor's toolkit is installed, llama.cpp is compiled for it. Where it is not, upstream's
prebuilt Vulkan wheel runs on the graphics driver alone; its CUDA and ROCm wheels want the toolkit's
libraries too, and are built without AVX2, which makes the layers left on the CPU slow.
"""

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from runner.machine.accelerators import Accelerator
from runner.machine.platform import Platform

PACKAGE = "llama-cpp-python"
WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"

# Backend: the switch that compiles llama.cpp for it.
FLAGS = {
    "cuda": "-DGGML_CUDA=on",
    "hip": "-DGGML_HIP=on",
    "metal": "-DGGML_METAL=on",
    "vulkan": "-DGGML_VULKAN=on",
    "rpc": "-DGGML_RPC=on",
}
# How llama.cpp begins the names of a backend's devices.
DEVICES = {"CUDA": "cuda", "ROCm": "hip", "Metal": "metal", "MTL": "metal", "Vulkan": "vulkan"}
# Vendor: the backend made for its GPUs, and the toolkit's compiler as installed by default.
TOOLKITS = {
    "NVIDIA": ("cuda", Path("/usr/local/cuda/bin/nvcc")),
    "AMD": ("hip", Path("/opt/rocm/bin/hipcc")),
}


def gpu_remedy(accelerator: Accelerator, platform: Platform) -> str:
    """The command line, for the shell of `platform`, that makes `accelerator` usable here."""
    toolkit = find_toolkit(accelerator.vendor)
    return remedy(accelerator, platform, toolkit, installer_here(), installed_requirement())


def remedy(
    accelerator: Accelerator,
    platform: Platform,
    toolkit: Path | None,
    installer: str,
    requirement: str,
) -> str:
    """As `gpu_remedy`, from the facts: the vendor's compiler if it is here, the command that
    installs into this Python, and llama-cpp-python with its version."""
    if platform.system == "macOS":
        if platform.emulated:
            return "rm -rf .venv && arch -arm64 python3 -m runner doctor"
        return compile_line(["metal"], platform.system, installer, requirement)
    if toolkit is not None:
        backend = TOOLKITS[accelerator.vendor][0]
        line = compile_line([backend], platform.system, installer, requirement)
        off_path = platform.system == "Linux" and shutil.which(toolkit.name) is None
        return f'PATH="{toolkit.parent}:$PATH" {line}' if off_path else line
    if platform.machine in ("x86_64", "AMD64"):
        return wheel_line("vulkan", installer, requirement)
    return compile_line(["vulkan"], platform.system, installer, requirement)


def rpc_remedy(devices: Iterable[str], system: str) -> str:
    """The command line, for the shell of `system`, that adds the RPC backend to a build with
    these devices, and takes none of them away."""
    kept = {DEVICES[prefix] for name in devices for prefix in DEVICES if name.startswith(prefix)}
    return compile_line([*sorted(kept), "rpc"], system, installer_here(), installed_requirement())


def compile_line(backends: Iterable[str], system: str, installer: str, requirement: str) -> str:
    """Compile `requirement` for `backends`, past the wheels that pip and uv keep from earlier."""
    flags = " ".join(FLAGS[backend] for backend in backends)
    fresh = "--force-reinstall --no-deps --no-cache-dir"
    install = f'{installer} {fresh} --no-binary {PACKAGE} "{requirement}"'
    if system == "Windows":
        return f'$env:CMAKE_ARGS="{flags}"; {install}'
    return f'CMAKE_ARGS="{flags}" {install}'


def wheel_line(index: str, installer: str, requirement: str) -> str:
    """Install upstream's prebuilt wheel from its `index`: cpu, cu124, metal, rocm72 or vulkan."""
    fresh = "--force-reinstall --no-deps --no-cache-dir"
    where = f"--extra-index-url {WHEELS}/{index}"
    return f'{installer} {fresh} --only-binary {PACKAGE} {where} "{requirement}"'


def find_toolkit(vendor: str) -> Path | None:
    """The compiler for GPUs of `vendor`, on PATH or in its usual place."""
    if vendor not in TOOLKITS:
        return None
    usual = TOOLKITS[vendor][1]
    found = shutil.which(usual.name)
    return Path(found) if found else usual if usual.exists() else None


def installer_here(python: str = sys.executable) -> str:
    """What installs packages into the running Python: its pip, or uv where it has none."""
    quoted = f'"{python}"' if " " in python else python
    if importlib.util.find_spec("pip") is None:
        return f"uv pip install --python {quoted}"
    call = "& " if quoted != python and sys.platform == "win32" else ""  # PowerShell's way
    return f"{call}{quoted} -m pip install"


def installed_requirement() -> str:
    """The installed llama-cpp-python, pinned; unpinned where there is none."""
    try:
        return f"{PACKAGE}=={importlib.metadata.version(PACKAGE)}"
    except importlib.metadata.PackageNotFoundError:
        return PACKAGE
