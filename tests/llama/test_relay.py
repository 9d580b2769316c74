"""What stands where a worker should: nobody, silence, something else. Each is told at once."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runner.errors import ConfigurationError, DeviceError
from runner.llama import relay
from runner.llama.relay import ANSWERS, DEVICE_COUNT, GET_TENSOR, Relay, probe
from runner.llama.rpc import addresses

END = b"end"


@contextmanager
def listening(reply: bytes = b"", *, silent: bool = False) -> Iterator[int]:
    """A port where somebody listens, gives `reply` to whatever is said and hangs up; or neither."""

    def serve() -> None:
        while True:
            other, _ = listener.accept()
            with other:
                if other.recv(1024) == END:
                    return
                if silent:
                    other.recv(1)  # until the other side gives up
                else:
                    other.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with socket.create_connection(listener.getsockname()) as last:
            last.sendall(END)
        thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_nobody_listens() -> None:
    port = closed_port()
    with pytest.raises(DeviceError, match=f"127.0.0.1:{port} cannot be used: .*refused") as told:
        probe("127.0.0.1", port)
    assert "runner worker" in told.value.remedy


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(64), "not a worker"),
        (struct.pack("<QBBBB", 28, 6, 0, 0, 0) + bytes(24), r"speaks version 6\.0"),
    ],
)
def test_something_else_listens(reply: bytes, reason: str) -> None:
    with listening(reply) as port, pytest.raises(DeviceError, match=reason):
        probe("127.0.0.1", port)


def test_a_worker_that_keeps_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "CONNECT_SECONDS", 0.1)
    with listening(silent=True) as port, pytest.raises(DeviceError, match="not answer in time"):
        probe("127.0.0.1", port)


def test_in_place_of_a_worker_that_is_gone_the_relay_answers() -> None:
    passing = Relay("127.0.0.1", closed_port())
    host, port = passing.endpoint.split(":")
    with socket.create_connection((host, int(port))) as client, client.makefile("rb") as answers:

        def ask(command: int, request: bytes) -> bytes:
            client.sendall(struct.pack("<BQ", command, len(request)) + request)
            (size,) = struct.unpack("<Q", answers.read(8))
            return answers.read(size)

        for command, answer in ANSWERS.items():
            assert ask(command, bytes(40)) == answer
        large = 3 * 2**20 + 1
        assert ask(GET_TENSOR, bytes(300) + struct.pack("<QQ", 0, large)) == bytes(large)
        client.sendall(struct.pack("<BQ", 6, large) + bytes(large))  # a tensor set: no answer
        assert ask(DEVICE_COUNT, b"") == bytes(4)
        assert not passing.idle.is_set()
        with pytest.raises(DeviceError, match=r"was lost: .*refused"):
            passing.check()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("laptop:50052", (("laptop", 50052),)),
        ("10.0.0.2:1, desk", (("10.0.0.2", 1), ("desk", 50052))),
        ("[::1]:7,[fe80::1]", (("::1", 7), ("fe80::1", 50052))),
    ],
)
def test_addresses(text: str, found: tuple[tuple[str, int], ...]) -> None:
    assert addresses(text) == found


@pytest.mark.parametrize("text", [":50052", "laptop:", "laptop:port", "laptop:0", "laptop:65536"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not the address of a worker"):
        addresses(text)
