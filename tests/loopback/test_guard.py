"""The guard: no test, and no Python a test starts, reaches another machine unnoticed.

192.0.2.1 is of TEST-NET-1 (RFC 5737), which belongs to nobody.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loopback.on_path import sitecustomize as guard
from tests.loopback.on_path.sitecustomize import LOG

# A Python that has the guard on its path loads it at its start, and that one refuses first.
NotLoopback = getattr(sys.modules.get("sitecustomize"), "NotLoopback", guard.NotLoopback)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def refusals() -> Path:
    """The file of refusals, which the test must empty for itself to pass."""
    return Path(os.environ[LOG])


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_connection_is_refused_and_noted(family: socket.AddressFamily, refusals: Path) -> None:
    host = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    with socket.socket(family) as sock:
        for attempt in (sock.connect, sock.connect_ex):
            with pytest.raises(NotLoopback, match=host):
                attempt((host, 80))
    with socket.socket(family, socket.SOCK_DGRAM) as sock, pytest.raises(NotLoopback):
        sock.sendto(b"x", (host, 53))
    assert refusals.read_text().split() == [
        "socket.connect", host, "socket.connect", host, "socket.sendto", host,
    ]  # fmt: skip
    refusals.unlink()


def test_a_name_is_not_looked_up(refusals: Path) -> None:
    for look_up in (socket.gethostbyname, lambda name: socket.getaddrinfo(name, 443)):
        with pytest.raises(NotLoopback, match=r"huggingface\.co"):
            look_up("huggingface.co")
    refusals.unlink()


def test_loopback_is_open(refusals: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            with socket.create_connection((host, server.getsockname()[1])):
                server.accept()[0].close()
    assert not refusals.exists()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_unix_sockets_are_open(tmp_path: Path, refusals: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        os.chdir(tmp_path)  # the path of a socket has to be short
        try:
            server.bind("s")
            server.listen()
            client.connect("s")
        finally:
            os.chdir(ROOT)
    assert not refusals.exists()


def test_a_child_python_is_guarded(refusals: Path) -> None:
    program = "import socket; socket.create_connection(('192.0.2.1', 80))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode != 0
    assert "NotLoopback" in done.stderr
    assert refusals.read_text() == "socket.getaddrinfo 192.0.2.1\n"
    refusals.unlink()


SWALLOWING = """
import socket, subprocess, sys

CONNECT = '''
import socket
try: socket.create_connection(("192.0.2.1", 80))
except OSError: pass
'''

def test_here(): exec(CONNECT)
def test_in_a_child(): subprocess.run([sys.executable, "-c", CONNECT], check=True)
def test_innocent(): pass
"""


def test_a_test_that_swallows_the_refusal_fails_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SWALLOWING)
    # No summary at the end: where CI is set, it says again what every failure said.
    options = ("-rN", "-p", "tests.conftest", "--rootdir", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "3 passed, 2 errors" in done.stdout
    assert done.stdout.count("this test reached for another machine") == 2


def test_a_child_has_nowhere_to_go() -> None:
    program = "import os; print(os.environ['HF_ENDPOINT'], os.environ['RUNNER_HOME'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    endpoint, home = done.stdout.split()
    assert endpoint.startswith("http://127.0.0.1:")
    assert home == os.environ["RUNNER_HOME"]
