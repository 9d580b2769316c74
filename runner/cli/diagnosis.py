"""What `runner doctor` finds: the facts of this installation, and what could be better about it."""

import importlib.metadata
import re
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import runner
from runner import machine
from runner.catalog import load_catalog, models_directory
from runner.errors import BuildError
from runner.library import Library
from runner.machine import Accelerator, Platform
from runner.paths import config_file, data_directory

if TYPE_CHECKING:
    from runner.llama.devices import Device

BINDINGS = "llama-cpp-python"

# Backends that serve one vendor's GPUs; others (Vulkan, SYCL, OpenCL) name the GPU itself.
BACKEND_VENDORS = {"CUDA": "NVIDIA", "ROCm": "AMD", "Metal": "Apple", "MTL": "Apple"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that could be better, and the line that makes it so (or empty)."""

    text: str
    remedy: str


def diagnose() -> tuple[dict[str, Any], list[Finding]]:
    """The facts, as JSON has them, and the findings."""
    system = machine.platform_facts()
    accelerators = machine.accelerators()
    build, findings = _build(accelerators, system)
    if system.emulated:
        findings.insert(
            0,
            Finding(
                f"this Python is built for {system.machine} and runs emulated, at a fraction of "
                "the speed and without the GPU",
                "Install a Python made for this processor, and Runner with it.",
            ),
        )
    library = Library()
    findings += [Finding(f"{problem.path}: {problem.reason}", "") for problem in library.problems()]
    for partial in library.partials():
        findings.append(
            Finding(
                f"{partial.file} of {partial.repository} is fetched in part: "
                f"{partial.bytes} of {partial.total} bytes",
                f"runner pull {partial.repository} --file {partial.file} continues it.",
            )
        )
    facts = {
        "runner": runner.__version__,
        "build": build,
        "platform": asdict(system),
        "processor": asdict(machine.processors()),
        "memory": asdict(machine.memory()),
        "gpus": [asdict(accelerator) for accelerator in accelerators],
        "paths": {
            "python": sys.executable,
            "models": str(library.root),
            "shipped": str(models_directory()),
            "config": str(config_file()),
            "data": str(data_directory()),
        },
        "free_disk": machine.free_disk(library.root),
        "catalogue_entries": len(load_catalog().entries),
    }
    return facts, findings


def _build(
    accelerators: tuple[Accelerator, ...], system: Platform
) -> tuple[dict[str, Any], list[Finding]]:
    """What llama.cpp here is and can; a broken one is a finding."""
    try:
        found = importlib.metadata.version(BINDINGS)
    except importlib.metadata.PackageNotFoundError:
        found = None
    facts: dict[str, Any] = {"llama_cpp_python": found, "works": False}
    try:
        from runner.llama import devices as llama
    except BuildError as error:
        return facts, [Finding(error.message, error.remedy)]
    devices, built = llama.devices(), llama.build()
    sets = llama.instruction_sets()
    missing = [name for name in machine.instruction_sets() if name not in sets]
    facts |= {
        "works": True,
        "library": str(built.library),
        "offloads": built.offloads,
        "instruction_sets": list(sets),
        "unused_instruction_sets": missing,
        "devices": [asdict(device) for device in devices],
    }
    findings = []
    if missing:
        findings.append(
            Finding(
                f"this llama.cpp was built without {', '.join(missing)}, which this processor "
                "offers: it computes slower than it could",
                _compile_line(),
            )
        )
    for accelerator in accelerators:
        if not any(serves(device, accelerator) for device in devices):
            findings.append(
                Finding(
                    f"{accelerator.name} is not used: this llama.cpp has no backend for it",
                    machine.gpu_remedy(accelerator, system),
                )
            )
    return facts, findings


def serves(device: "Device", accelerator: Accelerator) -> bool:
    """Whether llama.cpp's `device` is that GPU."""
    if device.kind not in ("gpu", "igpu"):
        return False
    for backend, vendor in BACKEND_VENDORS.items():
        if device.name.upper().startswith(backend.upper()):
            return vendor == accelerator.vendor
    described = device.description.lower()
    words = re.findall(r"\w+", accelerator.name.lower())
    return accelerator.vendor.lower() in described or any(
        len(word) > 3 and word in described for word in words
    )


def _compile_line() -> str:
    """Compile llama.cpp for this very processor, past the wheels that pip and uv keep."""
    from runner.machine import remedies

    fresh = f"--force-reinstall --no-deps --no-cache-dir --no-binary {BINDINGS}"
    return f'{remedies.installer_here()} {fresh} "{remedies.installed_requirement()}"'
