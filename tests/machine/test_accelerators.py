import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner import machine
from runner.machine.accelerators import (
    Accelerator,
    parse_lspci,
    parse_nvidia_smi,
    parse_system_profiler,
    parse_video_controllers,
    pci_accelerators,
)
from tests.machine.trees import write

MIB = 1024**2

LSPCI = """0000:00:02.0 VGA compatible controller: Intel Corporation Alder Lake-P GT2 (rev 0c)
0000:03:00.0 VGA compatible controller: AMD/ATI Navi 31 [Radeon RX 7900 XTX] (rev c8)
0000:81:00.0 Processing accelerators: Advanced Micro Devices, Inc. [AMD/ATI] Aqua Vanjaram
0001:01:00.0 3D controller: NVIDIA Corporation GA102GL [A10] (rev a1) (prog-if 00)
0000:00:1f.3 Audio device: Intel Corporation Alder Lake PCH-P High Definition Audio (rev 01)
"""


def pci(folder: Path, **devices: str) -> Path:
    """A /sys/bus/pci/devices; each value is "vendor class", and the device is always 0x1234."""
    for address, facts in devices.items():
        vendor, kind = facts.split()
        name = address.removeprefix("pci_").replace("_", ":", 2).replace("_", ".")
        files = {"vendor": f"0x{vendor}", "class": f"0x{kind}", "device": "0x1234"}
        write(folder / name, files)
    return folder


def test_nvidia_smi() -> None:
    table = "NVIDIA GeForce RTX 4090, 24564\nNVIDIA GB10, [N/A]\n\n"
    assert list(parse_nvidia_smi(table)) == [
        Accelerator("NVIDIA", "NVIDIA GeForce RTX 4090", 24564 * MIB, "nvidia-smi"),
        Accelerator("NVIDIA", "NVIDIA GB10", None, "nvidia-smi"),
    ]
    assert list(parse_nvidia_smi("No devices were found\n")) == []


def test_lspci_names() -> None:
    names = dict(parse_lspci(LSPCI))
    assert names["0000:00:02.0"] == "Intel Corporation Alder Lake-P GT2"
    assert names["0000:03:00.0"] == "AMD/ATI Navi 31 [Radeon RX 7900 XTX]"
    assert names["0001:01:00.0"] == "NVIDIA Corporation GA102GL [A10]"
    assert dict(parse_lspci("no devices\n\n")) == {}


def test_pci_devices(tmp_path: Path) -> None:
    pci(
        tmp_path,
        pci_0000_00_02_0="8086 030000",
        pci_0000_03_00_0="1002 030000",
        pci_0000_81_00_0="1002 120000",
        pci_0001_01_00_0="10de 030200",
        pci_0000_00_1f_3="8086 040300",  # sound
        pci_0000_00_0b_0="8086 120000",  # an NPU
        pci_0000_02_00_0="1a03 030000",  # the console of a server
    )
    write(tmp_path / "0000:03:00.0", {"mem_info_vram_total": 24 * 1024 * MIB})
    assert pci_accelerators(tmp_path, LSPCI) == [
        Accelerator("Intel", "Intel Corporation Alder Lake-P GT2", None, "PCI"),
        Accelerator("AMD", "AMD/ATI Navi 31 [Radeon RX 7900 XTX]", 24 * 1024 * MIB, "PCI"),
        Accelerator("AMD", "Advanced Micro Devices, Inc. [AMD/ATI] Aqua Vanjaram", None, "PCI"),
        Accelerator("NVIDIA", "NVIDIA Corporation GA102GL [A10]", None, "PCI"),
    ]


def test_without_lspci_a_gpu_is_called_by_its_number(tmp_path: Path) -> None:
    (found,) = pci_accelerators(pci(tmp_path, pci_0000_01_00_0="10de 030000"), "")
    assert found.name == "NVIDIA GPU 0x1234"


def test_no_pci_bus(tmp_path: Path) -> None:
    assert pci_accelerators(tmp_path / "absent") == []


def test_macs() -> None:
    report = {
        "SPDisplaysDataType": [
            {
                "_name": "Apple M2 Pro",
                "sppci_model": "Apple M2 Pro",
                "sppci_cores": "19",
                "spdisplays_vendor": "sppci_vendor_Apple",
                "spdisplays_mtlgpufamilysupport": "spdisplays_metal3",
            },
            {
                "sppci_model": "AMD Radeon Pro 5500M",
                "spdisplays_vendor": "sppci_vendor_amd",
                "spdisplays_vram": "8 GB",
            },
            {
                "sppci_model": "Intel UHD Graphics 630",
                "spdisplays_vendor": "Intel",
                "spdisplays_vram_shared": "1536 MB",
            },
            {"_name": "DisplayLink", "spdisplays_vendor": "sppci_vendor_other"},
        ]
    }
    assert parse_system_profiler(json.dumps(report)) == [
        Accelerator("Apple", "Apple M2 Pro", None, "system_profiler"),
        Accelerator("AMD", "AMD Radeon Pro 5500M", 8 * 1024 * MIB, "system_profiler"),
        Accelerator("Intel", "Intel UHD Graphics 630", None, "system_profiler"),
    ]


def test_windows_gives_one_object_or_a_list() -> None:
    radeon = {
        "Name": "AMD Radeon RX 6400",
        "PNPDeviceID": r"PCI\VEN_1002&DEV_743F&SUBSYS_0",
        "AdapterRAM": 2048 * MIB,
    }
    large = radeon | {"Name": "AMD Radeon RX 7900 XTX", "AdapterRAM": 4293918720}
    remote = {"Name": "Microsoft Remote Display Adapter", "PNPDeviceID": "SWD\\REMOTE"}
    assert parse_video_controllers(json.dumps(radeon)) == [
        Accelerator("AMD", "AMD Radeon RX 6400", 2048 * MIB, "Windows")
    ]
    # AdapterRAM has 32 bits: what it says of a card of 24 GiB is no size.
    assert parse_video_controllers(json.dumps([large, remote])) == [
        Accelerator("AMD", "AMD Radeon RX 7900 XTX", None, "Windows")
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["SPDisplaysDataType", "Name", "PNPDeviceID", "AdapterRAM", "_name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON.map(json.dumps) | st.text(max_size=30))
def test_a_report_of_another_shape_is_no_gpu_and_no_error(report: str) -> None:
    assert parse_video_controllers(report) == []
    assert parse_system_profiler(report) == []
    list(parse_nvidia_smi(report))
    list(parse_lspci(report))


def test_this_machine() -> None:
    for found in machine.accelerators():
        assert found.name
        assert found.memory is None or found.memory > 0
