"""Other machines as devices, through llama.cpp's RPC backend: joining workers, and being one.

The backend is in a build of llama.cpp made with -DGGML_RPC=ON alone. Its protocol knows neither
passwords nor encryption.
"""

import contextlib
import ctypes
import ipaddress
import socket
import sys
import time
from collections.abc import Callable, Sequence

from runner.errors import ConfigurationError, DeviceError
from runner.llama.library import ggml, has_ggml
from runner.llama.relay import Relay, probe
from runner.settings import WORKER_PORT

# In the order of joining. What llama.cpp once knows as a device it knows until the process ends.
_relays: list[Relay] = []


def supported() -> bool:
    """Whether this build of llama.cpp has the RPC backend."""
    return has_ggml("ggml_backend_rpc_add_server")


def addresses(text: str) -> tuple[tuple[str, int], ...]:
    """Hosts and ports from `host:port[,…]`; a host alone has llama.cpp's usual port.

    Raises ConfigurationError.
    """
    return tuple(_address(part.strip()) for part in text.split(",") if part.strip())


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):  # no port, or an IPv6 address in brackets without one
        host, port = text, str(WORKER_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ConfigurationError(
            f"{text!r} is not the address of a worker", remedy=f"It looks like host:{WORKER_PORT}."
        )
    return host.strip("[]"), int(port)


def join(host: str, port: int) -> Relay:
    """Make the devices of the worker at `host`:`port` devices of this process.

    Raises DeviceError where it cannot be reached or serves nothing. Again for a worker that is
    joined already, it only looks whether that is still there.
    """
    worker = f"{host}:{port}"
    alive = (relay for relay in _relays if relay.worker == worker and not relay.lost)
    relay = next(alive, None)
    if relay is not None and not relay.idle.is_set():
        return relay  # it is at work for a loaded model, and would not greet a second time
    if not probe(host, port):
        raise DeviceError(f"the worker {worker} serves no device")
    if relay is None:
        relay = Relay(host, port)
        add = ggml("ggml_backend_rpc_add_server", ctypes.c_void_p, ctypes.c_char_p)
        registry = add(relay.endpoint.encode())
        relay.check()
        ggml("ggml_backend_register", None, ctypes.c_void_p)(registry)
        _relays.append(relay)
    return relay


def relay_at(endpoint: str) -> Relay | None:
    """The relay that llama.cpp knows as the device described as `endpoint`."""
    return next((relay for relay in _relays if relay.endpoint == endpoint), None)


def relay_of(worker: str) -> Relay:
    """The latest relay to a joined worker, by its `host:port`."""
    return next(relay for relay in reversed(_relays) if relay.worker == worker)


def is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def bindable(host: str, port: int) -> tuple[str, int]:
    """The IPv4 address and free port for a worker; port 0 chooses one.

    llama.cpp takes neither names nor IPv6. Raises ConfigurationError.
    """
    try:
        address = host if _is_ipv4(host) else socket.gethostbyname(host)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            if sys.platform != "win32":  # where it would let two programs listen
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address, port))
            return address, int(trial.getsockname()[1])
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}",
            remedy="Choose another --port, or an address of this machine as --host.",
        ) from error


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def serve(host: str, port: int, devices: Sequence[int], threads: int) -> None:
    """Serve the devices with these handles, one program at a time. Returns only where llama.cpp
    cannot listen; it blocks in C, out of Ctrl-C's reach."""
    handles = (ctypes.c_void_p * len(devices))(*devices)
    start = ggml(
        "ggml_backend_rpc_start_server",
        None,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_size_t,
        ctypes.c_void_p,
    )
    start(f"{host}:{port}".encode(), None, threads, len(devices), handles)


def await_worker(host: str, port: int, alive: Callable[[], bool]) -> bool:
    """Wait until the worker at that address of this machine answers; False where it is no longer
    `alive`."""
    while alive():
        with contextlib.suppress(DeviceError):
            return bool(probe("127.0.0.1" if host == "0.0.0.0" else host, port))
        time.sleep(0.02)
    return False
