"""Refuses every connection that would leave this machine, and notes it where a test will see it.

Importing it installs it, for good. Its name is the one that Python imports by itself when it
starts, so with this folder on PYTHONPATH it guards every Python that a test starts as well. It
hangs on the interpreter's audit events, which C code cannot go around either.
"""

import contextlib
import ipaddress
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOG = "LOOPBACK_GUARD_LOG"  # the environment variable that names the file of refusals


class NotLoopback(ConnectionRefusedError):
    """What the code under test gets: it looks like a machine without a network."""


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    refuses = EVENTS.get(event)
    if refuses is not None and (target := refuses(*arguments)):
        if log := os.environ.get(LOG):
            with Path(log).open("a", encoding="utf-8") as stream:
                stream.write(f"{event} {target}\n")
        raise NotLoopback(f"tests may only use the loopback interface, not {target}")


def _address(sock: socket.socket, address: Any) -> str:
    """The address, if it is of another machine."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
        return ""
    return _host(address[0])


def _host(host: str | bytes | bytearray | None, *_: object) -> str:
    """The host, if it is another machine, or a name that would have to be asked for."""
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii", "replace")
    if not host or host == "localhost":
        return ""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            return ""
    return host


EVENTS: dict[str, Callable[..., str]] = {
    "socket.connect": _address,
    "socket.sendto": _address,
    "socket.sendmsg": _address,
    "socket.getaddrinfo": _host,
    "socket.gethostbyname": _host,
    "socket.gethostbyaddr": _host,
}

sys.addaudithook(_audit)
