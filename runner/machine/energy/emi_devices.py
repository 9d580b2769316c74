"""The energy meters of Windows, found through setupapi and asked through DeviceIoControl."""

import ctypes
import sys
import uuid
from typing import Any

INTERFACE = uuid.UUID("45bd8344-7ed6-49cf-a440-c276c933b053")
"""GUID_DEVICE_ENERGY_METER of emi.h."""

GET_VERSION, GET_METADATA_SIZE, GET_METADATA, GET_MEASUREMENT = (
    0x00224000 | number << 2 for number in range(4)
)
"""CTL_CODE(FILE_DEVICE_UNKNOWN, number, METHOD_BUFFERED, FILE_READ_ACCESS)."""

PRESENT_INTERFACES = 0x12
GENERIC_READ, SHARED, OPEN_EXISTING = 0x80000000, 3, 3
INVALID = ctypes.c_void_p(-1).value

MOST = 64 * 1024
"""Bytes of an answer at most: thousands of channels."""


class InterfaceData(ctypes.Structure):
    """SP_DEVICE_INTERFACE_DATA."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("kind", ctypes.c_ubyte * 16),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_void_p),
    )


class EnergyMeter:
    """One device, held open."""

    def __init__(self, kernel: Any, handle: int) -> None:
        self._kernel, self._handle = kernel, handle

    def version(self) -> int:
        return int.from_bytes(self._ask(GET_VERSION, 2), "little")

    def metadata(self) -> bytes:
        size = int.from_bytes(self._ask(GET_METADATA_SIZE, 4), "little")
        return self._ask(GET_METADATA, min(size, MOST))

    def measurement(self) -> bytes:
        return self._ask(GET_MEASUREMENT, MOST)

    def close(self) -> None:
        if self._handle:
            self._kernel.CloseHandle(ctypes.c_void_p(self._handle))
            self._handle = 0

    def _ask(self, code: int, size: int) -> bytes:
        answer, length = ctypes.create_string_buffer(size), ctypes.c_uint32(0)
        done = self._kernel.DeviceIoControl(
            ctypes.c_void_p(self._handle), code, None, 0, answer, size, ctypes.byref(length), None
        )
        if not done:
            raise OSError("Windows refuses to read its energy meter")
        return answer.raw[: length.value]


def devices() -> list[EnergyMeter]:
    """Every device of the interface that can be opened."""
    if sys.platform != "win32":
        return []
    kernel = ctypes.WinDLL("kernel32")
    kernel.CreateFileW.restype = ctypes.c_void_p
    handles = [
        kernel.CreateFileW(path, GENERIC_READ, SHARED, None, OPEN_EXISTING, 0, None)
        for path in _paths()
    ]
    return [EnergyMeter(kernel, handle) for handle in handles if handle not in (None, INVALID)]


def _paths() -> list[str]:
    if sys.platform != "win32":
        return []
    setup = ctypes.WinDLL("setupapi")
    setup.SetupDiGetClassDevsW.restype = ctypes.c_void_p
    interface = (ctypes.c_ubyte * 16).from_buffer_copy(INTERFACE.bytes_le)
    listing = setup.SetupDiGetClassDevsW(ctypes.byref(interface), None, None, PRESENT_INTERFACES)
    if listing in (None, INVALID):
        return []
    listed, paths = ctypes.c_void_p(listing), []
    try:
        data = InterfaceData(size=ctypes.sizeof(InterfaceData))
        while setup.SetupDiEnumDeviceInterfaces(
            listed, None, ctypes.byref(interface), len(paths), ctypes.byref(data)
        ):
            paths.append(_path(setup, listed, data))
    finally:
        setup.SetupDiDestroyDeviceInfoList(listed)
    return paths


def _path(setup: Any, listed: ctypes.c_void_p, data: InterfaceData) -> str:
    """SP_DEVICE_INTERFACE_DETAIL_DATA_W: the size of its fixed part, then the path."""
    fixed = 8 if ctypes.sizeof(ctypes.c_void_p) == 8 else 6
    detail = ctypes.create_string_buffer(fixed.to_bytes(4, "little"), 4096)
    setup.SetupDiGetDeviceInterfaceDetailW(
        listed, ctypes.byref(data), detail, len(detail), None, None
    )
    return detail.raw[4:].decode("utf-16-le", "replace").partition("\0")[0]
