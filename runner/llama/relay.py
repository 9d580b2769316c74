"""A relay between llama.cpp and a worker on another machine, so that losing the worker ends a
reply and not this process.

llama.cpp's RPC client aborts the process when a worker cannot be reached, closes the connection or
breaks it, and waits without end for one that fell silent. So llama.cpp is given the address of a
relay on loopback instead. It passes every request on, with bounds in time; once the worker is lost
it answers in its place with well-formed zeros. llama.cpp then comes to its end as usual, what it
computed is discarded, and `check` says what happened.
"""

import contextlib
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable

from runner.errors import DeviceError

CONNECT_SECONDS = 5.0
"""How long a worker may take to accept a connection, and to greet."""

ANSWER_SECONDS = 1800.0
"""How long a worker may compute: a large batch of a large model on a slow processor is minutes."""

SILENCE_SECONDS = 15
"""How long a worker's machine may leave probes of the connection unanswered."""

CHUNK = 2**18

# The protocol of the pinned llama.cpp: ggml/src/ggml-rpc/ggml-rpc.cpp. A request is a byte of
# command, 8 of size and the data; an answer is 8 bytes of size and the data.
VERSION = (7, 0)
REQUEST, ANSWER = struct.Struct("<BQ"), struct.Struct("<Q")
GET_TENSOR, HELLO, DEVICE_COUNT = 8, 14, 15
CAPABILITIES = bytes(24)  # zeros: no other transport than TCP, which would go past the relay

# What is answered in place of a lost worker, by command; other commands have no answer, and a
# tensor is as many zeros as were asked for. A power of two does as alignment, largest size and
# address; a buffer's address of zero says that there is no memory for it.
SANE = struct.pack("<Q", 4096)
ANSWERS = {
    0: bytes(16),  # allocate a buffer: none
    1: SANE,  # alignment
    2: SANE,  # largest buffer
    3: SANE,  # a buffer's address
    7: b"\x01",  # a tensor's hash: it is here, and need not be sent
    9: b"\x00",  # copy a tensor: not done
    11: bytes(16),  # memory: none
    13: SANE,  # a tensor's size in memory
    DEVICE_COUNT: bytes(4),
}


def probe(host: str, port: int) -> int:
    """The number of devices that the worker there serves, asked with bounds in time.

    Raises DeviceError where it cannot be reached, does not answer or speaks otherwise.
    """
    try:
        with _connect(host, port) as worker:
            worker.sendall(REQUEST.pack(DEVICE_COUNT, 0))
            return int(struct.unpack("<I", _answer(worker, 4))[0])
    except OSError as error:
        raise DeviceError(
            f"the worker {host}:{port} cannot be used: {_reason(error)}",
            remedy="Start `runner worker` on that machine, with its address as --host, and see "
            "that no firewall is between. A worker serves one program at a time.",
        ) from error


class Relay:
    """The relay to the worker at `host`:`port`. It lives as long as the process, as the devices do
    that llama.cpp makes of it; each connection of llama.cpp to it is a new one to the worker.

    `idle` says that there is none now, as there is while a model is loaded on the worker. `lost`
    says why the worker failed, and is empty where it did not. That is for good: llama.cpp keeps
    some of the answers, so that a worker that comes back needs a relay of its own.
    """

    def __init__(self, host: str, port: int) -> None:
        self.worker = f"{host}:{port}"
        self._address = (host, port)
        self.idle = threading.Event()
        self.idle.set()
        self.lost = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        # llama.cpp has one connection to an endpoint at a time, so one thread serves them all.
        threading.Thread(target=self._serve, name=f"relay-{self.worker}", daemon=True).start()

    def check(self) -> None:
        """Raise DeviceError where the worker was lost."""
        if self.lost:
            raise DeviceError(
                f"the worker {self.worker} was lost: {self.lost}",
                remedy="Start it again (`runner worker` on that machine), then load the model "
                "again; or go on without it.",
            )

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.idle.clear()
            passing = _Passing(client, self._lose)
            with client, contextlib.suppress(OSError):  # llama.cpp closed the connection
                if not self.lost:
                    try:
                        passing.worker = _connect(*self._address)
                    except OSError as error:
                        self._lose(error)
                while passing.request():
                    pass
            if passing.worker is not None:
                passing.worker.close()
            self.idle.set()

    def _lose(self, error: OSError) -> None:
        self.lost = self.lost or _reason(error)


class _Passing:
    """A connection of llama.cpp's, passed on to a worker until that is lost."""

    def __init__(self, client: socket.socket, lost: Callable[[OSError], None]) -> None:
        self.worker: socket.socket | None = None
        self._client = client
        self._lost = lost
        self._buffer = memoryview(bytearray(CHUNK))

    def request(self) -> bool:
        """Pass one request on and its answer back; False where llama.cpp is done. Raises OSError
        where llama.cpp closed the connection in the middle."""
        header = bytearray(REQUEST.size)
        if not _fill(self._client, memoryview(header), may_end=True):
            return False
        command, size = REQUEST.unpack(header)
        if command == HELLO:
            _fill(self._client, self._buffer[:size])
            greeting = bytes((*VERSION, 0, 0)) + CAPABILITIES
            self._client.sendall(ANSWER.pack(len(greeting)) + greeting)
            return True
        end = self._pass_on(header, size)
        if command == GET_TENSOR:
            (length,) = struct.unpack("<Q", end)  # the request ends with it
            self._pass_back(length, None)
        elif command in ANSWERS:
            self._pass_back(len(ANSWERS[command]), ANSWERS[command])
        return True

    def _pass_on(self, header: bytearray, size: int) -> bytes:
        """Pass a request with `size` bytes of data on to the worker; returns its last 8 bytes."""
        start = len(header)
        self._buffer[:start] = header
        while True:
            chunk = self._buffer[: min(start + size, CHUNK)]
            _fill(self._client, chunk[start:])
            self._send(chunk)
            size -= len(chunk) - start
            start = 0
            if not size:
                return bytes(chunk[-8:])

    def _pass_back(self, size: int, instead: bytes | None) -> None:
        """Pass an answer with `size` bytes of data back to llama.cpp; what a lost worker did not
        send of it is `instead`, or zeros."""
        start = ANSWER.size
        header = self._buffer[:start]
        if self._receive(header) and ANSWER.unpack(header)[0] != size:
            self._lose(ConnectionError("it gave an answer of another size than was asked for"))
        ANSWER.pack_into(self._buffer, 0, size)
        while True:
            chunk = self._buffer[: min(start + size, CHUNK)]
            data = chunk[start:]
            if not self._receive(data):
                data[:] = instead or bytes(len(data))
            self._client.sendall(chunk)
            size -= len(data)
            start = 0
            if not size:
                return

    def _send(self, data: memoryview) -> None:
        if self.worker is not None:
            try:
                self.worker.sendall(data)
            except OSError as error:
                self._lose(error)

    def _receive(self, data: memoryview) -> bool:
        """Fill `data` from the worker; False where it is lost."""
        if self.worker is not None:
            try:
                _fill(self.worker, data)
            except OSError as error:
                self._lose(error)
        return self.worker is not None

    def _lose(self, error: OSError) -> None:
        self._lost(error)  # before llama.cpp gets an answer that is not the worker's
        if self.worker is not None:
            self.worker.close()
            self.worker = None


def _connect(host: str, port: int) -> socket.socket:
    """A greeted connection. Raises OSError."""
    worker = socket.create_connection((host, port), CONNECT_SECONDS)
    try:
        worker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _watch(worker)
        worker.sendall(REQUEST.pack(HELLO, len(CAPABILITIES)) + CAPABILITIES)
        spoken = tuple(_answer(worker, 4 + len(CAPABILITIES))[:2])
        if spoken[0] != VERSION[0] or spoken[1] > VERSION[1]:
            raise ConnectionError(
                f"it speaks version {spoken[0]}.{spoken[1]} of the protocol, "
                f"and this llama.cpp {VERSION[0]}.{VERSION[1]}"
            )
        worker.settimeout(ANSWER_SECONDS)
    except BaseException:
        worker.close()
        raise
    return worker


def _fill(source: socket.socket, target: memoryview, *, may_end: bool = False) -> bool:
    """Receive all of `target`; False where the sender closed before it and it `may_end`."""
    got = 0
    while got < len(target):
        count = source.recv_into(target[got:])
        if not count:
            if may_end and not got:
                return False
            raise ConnectionError("it closed the connection")
        got += count
    return True


def _answer(worker: socket.socket, size: int) -> bytes:
    """An answer of `size` bytes of data."""
    data = bytearray(8 + size)
    _fill(worker, memoryview(data)[:8])
    if ANSWER.unpack(data[:8])[0] != size:
        raise ConnectionError("what listens there is not a worker")
    _fill(worker, memoryview(data)[8:])
    return bytes(data[8:])


def _watch(worker: socket.socket) -> None:
    """Let the system probe an idle connection, so that a machine that vanished is noticed."""
    worker.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    tries = 3
    every = SILENCE_SECONDS // tries
    first = "TCP_KEEPALIVE" if sys.platform == "darwin" else "TCP_KEEPIDLE"
    for name, value in ((first, every), ("TCP_KEEPINTVL", every), ("TCP_KEEPCNT", tries)):
        if (option := getattr(socket, name, None)) is not None:
            worker.setsockopt(socket.IPPROTO_TCP, option, value)
    # Data under way is not probed, but repeated for a quarter of an hour by default.
    if (option := getattr(socket, "TCP_USER_TIMEOUT", None)) is not None:
        worker.setsockopt(socket.IPPROTO_TCP, option, SILENCE_SECONDS * 1000)


def watch_clients(host: str, port: int) -> None:
    """Let the system probe those who connect to the port on which this process listens.

    llama.cpp's server reads from a client that vanished without end, and would serve no other. It
    keeps its socket to itself, but what is set on a listening socket holds for those accepted from
    it. On Windows, where sockets are not numbered files, it cannot be found.
    """
    if sys.platform == "win32":
        return
    for number in range(3, 256):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as listener:
            if listener.getsockname()[:2] == (host, port):
                _watch(listener)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError) and not error.strerror:
        return "it does not answer in time"
    return (error.strerror or str(error)).lower()
