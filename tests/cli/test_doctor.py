"""`runner doctor` and `runner config`: the facts of this installation."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

from runner.cli.diagnosis import serves
from runner.library import cache_folder
from runner.llama.devices import Device, instruction_sets
from runner.machine import Accelerator
from runner.paths import config_file, data_directory
from runner.settings import OPTIONS
from tests.cli.conftest import Runner


def test_the_facts(runner: Runner) -> None:
    said = runner("doctor")
    assert (said.code, said.err) == (0, "")
    version = importlib.metadata.version("llama-cpp-python")
    assert f"llama-cpp-python {version}, " in said.out
    assert str(config_file()) in said.out
    assert "GiB free of" in said.out
    assert "threads are worth using" in said.out


def test_as_json(runner: Runner) -> None:
    said = runner("doctor", "--json")
    assert (said.code, said.err) == (0, "")
    facts = json.loads(said.out)
    assert facts["build"]["works"] is True
    assert facts["build"]["instruction_sets"] == list(instruction_sets())
    assert facts["build"]["devices"][0]["name"]
    assert facts["memory"]["total"] > 0
    assert facts["free_disk"] > 0
    assert facts["paths"]["models"] == str(cache_folder())
    for finding in facts["findings"]:
        assert set(finding) == {"text", "remedy"}


@pytest.mark.parametrize("found", [None, "0.1.2"])
def test_a_missing_or_other_llama_cpp_is_a_finding(found: str | None) -> None:
    script = (
        "import importlib.metadata, sys\n"
        "real = importlib.metadata.version\n"
        "def version(name):\n"
        "    if name != 'llama-cpp-python':\n"
        "        return real(name)\n"
        f"    found = {found!r}\n"
        "    if found is None:\n"
        "        raise importlib.metadata.PackageNotFoundError(name)\n"
        "    return found\n"
        "importlib.metadata.version = version\n"
        "from runner.cli.main import main\n"
        "main()\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, "doctor"], capture_output=True, text=True, check=True
    )
    assert said.stderr == ""
    assert "\n! llama-cpp-python " in said.stdout
    assert "pip install" in said.stdout
    if found:
        assert f"llama-cpp-python {found}, not usable" in said.stdout
    else:
        assert "llama-cpp-python is not installed" in said.stdout


def test_a_database_that_cannot_be_read_is_a_finding(runner: Runner) -> None:
    database = data_directory() / "library.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_bytes(b"no database" * 100)
    said = runner("doctor")
    assert said.code == 0
    assert f"! {database}: cannot be read" in said.out


def gpu(name: str, description: str, kind: str = "gpu") -> Device:
    return Device(name, description, kind, 0, 0)


NVIDIA = Accelerator("NVIDIA", "NVIDIA GeForce RTX 4070", 12 * 2**30, "nvidia-smi")
AMD = Accelerator("AMD", "Radeon RX 7900 XT", None, "PCI")
INTEL = Accelerator("Intel", "Intel Arc A770", None, "PCI")


@pytest.mark.parametrize(
    ("device", "accelerator", "same"),
    [
        (gpu("CUDA0", "NVIDIA GeForce RTX 4070"), NVIDIA, True),
        (gpu("CUDA0", "NVIDIA GeForce RTX 4070"), AMD, False),
        (gpu("Vulkan0", "NVIDIA GeForce RTX 4070"), NVIDIA, True),
        (gpu("Vulkan0", "AMD Radeon RX 7900 XT (RADV)"), AMD, True),
        (gpu("Vulkan0", "AMD Radeon RX 7900 XT (RADV)"), NVIDIA, False),
        (gpu("SYCL0", "Intel(R) Arc(TM) A770 Graphics"), INTEL, True),
        (gpu("ROCm0", "AMD Radeon RX 7900 XT"), AMD, True),
        (gpu("MTL0", "Apple M2"), Accelerator("Apple", "Apple M2", None, "system_profiler"), True),
        (gpu("CPU", "AMD EPYC", "cpu"), AMD, False),
    ],
)
def test_which_device_is_which_gpu(device: Device, accelerator: Accelerator, same: bool) -> None:
    assert serves(device, accelerator) is same


def test_config_shows_values_and_origins(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    config_file().write_text("ctx = 4096\nquiet = true\n", "utf-8")
    monkeypatch.setenv("RUNNER_TOP_K", "12")
    said = runner("config")
    assert (said.code, said.err) == (0, "")
    places, _, table = said.out.partition("\n\n")
    assert places.splitlines()[0].split() == ["file", str(config_file())]
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in table.splitlines()}
    assert rows["ctx"] == f"4096 file ({config_file()})"
    assert rows["quiet"] == f"true file ({config_file()})"
    assert rows["top_k"] == "12 environment (RUNNER_TOP_K)"
    assert rows["kv"] == "default: f16"
    assert {option.name for option in OPTIONS} <= set(rows)


def test_config_as_json(runner: Runner) -> None:
    facts = json.loads(runner("config", "--json").out)
    assert facts["file"] == {"path": str(config_file()), "exists": False}
    assert facts["data_directory"] == str(data_directory())
    assert facts["options"]["json"] == {
        "value": True,
        "origin": "command line",
        "variable": "RUNNER_JSON",
    }
    assert facts["options"]["ctx"]["value"] is None
