from pathlib import Path

import pytest

from runner.machine import Accelerator, Platform, gpu_remedy, platform_facts
from runner.machine.accelerators import Vendor
from runner.machine.remedies import remedy

LLAMA = "llama-cpp-python==0.3.36"
PIP = ".venv/bin/python -m pip install"
ANEW = f'--force-reinstall --no-deps --no-cache-dir --no-binary llama-cpp-python "{LLAMA}"'


def line(
    vendor: Vendor,
    system: str = "Linux",
    machine: str = "x86_64",
    *,
    toolkit: str | None = None,
    emulated: bool = False,
) -> str:
    accelerator = Accelerator(vendor, "A GPU", None, "PCI")
    platform = Platform(system, "1", machine, "3.12.0", emulated, in_container=False)
    return remedy(accelerator, platform, Path(toolkit) if toolkit else None, PIP, LLAMA)


@pytest.fixture(autouse=True)
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nvcc", "hipcc"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_with_the_toolkit_llama_cpp_is_compiled_for_it() -> None:
    assert line("NVIDIA", toolkit="/usr/bin/nvcc") == f'CMAKE_ARGS="-DGGML_CUDA=on" {PIP} {ANEW}'
    assert line("AMD", toolkit="/usr/bin/hipcc") == f'CMAKE_ARGS="-DGGML_HIP=on" {PIP} {ANEW}'


def test_a_toolkit_that_no_path_leads_to_is_put_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = line("NVIDIA", toolkit="/usr/local/cuda/bin/nvcc")
    assert found.startswith('PATH="/usr/local/cuda/bin:$PATH" CMAKE_ARGS="-DGGML_CUDA=on" ')


def test_powershell_sets_variables_its_own_way() -> None:
    found = line("NVIDIA", "Windows", "AMD64", toolkit=r"C:\CUDA\bin\nvcc.exe")
    assert found == f'$env:CMAKE_ARGS="-DGGML_CUDA=on"; {PIP} {ANEW}'


@pytest.mark.parametrize("vendor", ["NVIDIA", "AMD", "Intel"])
@pytest.mark.parametrize(("system", "machine"), [("Linux", "x86_64"), ("Windows", "AMD64")])
def test_without_a_toolkit_the_vulkan_wheel(vendor: Vendor, system: str, machine: str) -> None:
    assert line(vendor, system, machine) == (
        f"{PIP} --force-reinstall --no-deps --no-cache-dir --only-binary llama-cpp-python "
        f'--extra-index-url https://abetlen.github.io/llama-cpp-python/whl/vulkan "{LLAMA}"'
    )


def test_where_upstream_has_no_wheel_it_is_compiled() -> None:
    assert "-DGGML_VULKAN=on" in line("Intel", "Linux", "aarch64")


def test_macs_use_metal_unless_python_is_emulated() -> None:
    assert "-DGGML_METAL=on" in line("Apple", "macOS", "arm64")
    assert "-DGGML_METAL=on" in line("AMD", "macOS", "x86_64")
    assert "arch -arm64" in line("Apple", "macOS", "x86_64", emulated=True)


def test_here() -> None:
    found = gpu_remedy(Accelerator("Intel", "A GPU", None, "PCI"), platform_facts())
    assert "install" in found
    assert "llama-cpp-python==" in found
    assert "\n" not in found
