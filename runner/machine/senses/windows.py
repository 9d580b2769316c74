"""Windows: the power scheme that is in force."""

import ctypes
import sys
import uuid

from runner.machine.senses.senses import Senses

SCHEMES = {
    uuid.UUID("381b4222-f694-41f0-9685-ff5bb260df2e"): "balanced",
    uuid.UUID("8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c"): "high performance",
    uuid.UUID("a1841308-3541-4fab-bc81-f71556f20b4a"): "power saver",
    uuid.UUID("e9a42b02-d5df-448d-aa00-03f14749eb61"): "ultimate performance",
}
"""The schemes that come with Windows, by their published numbers."""


class WindowsSenses(Senses):
    """Windows names the nominal frequency for the present one, so none is told."""

    def governor(self) -> str | None:
        scheme = _active_scheme()
        return None if scheme is None else SCHEMES.get(scheme, f"scheme {scheme}")


def _active_scheme() -> uuid.UUID | None:
    if sys.platform != "win32":
        return None
    found = ctypes.c_void_p()
    try:
        if ctypes.WinDLL("powrprof").PowerGetActiveScheme(None, ctypes.byref(found)):
            return None
    except OSError:
        return None
    scheme = uuid.UUID(bytes_le=ctypes.string_at(found.value or 0, 16))
    ctypes.WinDLL("kernel32").LocalFree(found)
    return scheme
