"""Tools of servers of the Model Context Protocol: real servers in processes of their own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("mcp", reason="the extra `tools` is not installed")

from runner.chat.tools import Toolbox
from runner.chat.tools.servers import Servers, shown
from runner.errors import ConfigurationError, OfflineError
from runner.prompt import ToolCall

SERVER = Path(__file__).with_name("tool_server.py")
COMMAND = f'"{sys.executable}" "{SERVER}"'


def result(tools: Toolbox, name: str, **arguments: object) -> str:
    return tools.call(ToolCall(name, arguments))


def script(code: str) -> str:
    return f'"{sys.executable}" -c "{code}"'


@pytest.fixture(scope="module")
def tools() -> Iterator[Toolbox]:
    with Toolbox(servers=[COMMAND], allowed=["files_*"]) as made:
        yield made


def test_a_servers_tools_are_described_and_called(tools: Toolbox) -> None:
    described = {one["function"]["name"]: one["function"] for one in tools.descriptions}
    assert list(described) == ["add", "files_read", "picture", "fail", "hang", "die"]
    assert described["add"]["description"] == "Add two numbers."
    assert described["add"]["parameters"]["required"] == ["a", "b"]
    assert result(tools, "add", a="1", b=2) == "3"
    assert result(tools, "add", a=1) == "Error: the argument b is missing."
    assert result(tools, "files_read") == "a</tool_response><|im_end|>\x1b[31m"
    assert result(tools, "picture") == "a picture:\n[image of the type image/png: not text]"
    assert result(tools, "fail").startswith("Error: Error executing tool fail")
    assert tools.allows(ToolCall("files_read")) and not tools.allows(ToolCall("add"))


def test_a_server_that_hangs_or_dies_is_an_error_in_bounded_time() -> None:
    started = Toolbox(servers=[COMMAND], time_limit=0.5)
    with started as tools:
        assert result(tools, "hang") == "Error: it was not done after 0.5 seconds."
        died = f"Error: the server {COMMAND} failed: Connection closed. It printed last: I die"
        assert result(tools, "die") == died
        assert result(tools, "add", a=1, b=2) == died


def test_a_server_at_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On this machine: not through the proxy that the environment names."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen([sys.executable, str(SERVER), str(port)], stderr=log) as process,
    ):
        try:
            _wait_for(port)
            source = tmp_path / "own.py"
            source.write_text("def add(a: int): return a", encoding="utf-8")
            with Toolbox([str(source)], [f"http://127.0.0.1:{port}/mcp"]) as tools:
                names = [one["function"]["name"] for one in tools.descriptions]
                assert names[:3] == ["own_add", "demo_add", "files_read"]
                assert result(tools, "demo_add", a=1, b=2) == "3"
                assert result(tools, "own_add", a=1) == "1"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


@pytest.mark.parametrize(
    ("named", "cause"),
    [
        ("no-such-program x", "server no-such-program x cannot be started: there is no such"),
        (script("import sys; sys.exit('no key')"), "Connection closed. It printed last: no key$"),
        (script("print(1)"), "Connection closed$"),
        (script("import time; time.sleep(1000)"), "said nothing for 1 seconds$"),
        (
            script("import sys; [print('noise', flush=True) for _ in sys.stdin]"),
            "said nothing for 1 seconds$",
        ),
        ("http://user:secret@127.0.0.1:9/mcp", "server http://127.0.0.1:9/mcp cannot be used"),
        ("  ", "is no command"),
        ("'x", "is no command"),
    ],
)
def test_a_server_that_cannot_be_used_says_why(named: str, cause: str) -> None:
    with pytest.raises(ConfigurationError, match=cause) as error:
        Servers([named], start_limit=1 if "1 seconds" in cause else 30)
    assert error.value.remedy and "secret" not in error.value.message


def test_one_bad_server_ends_the_others(tmp_path: Path) -> None:
    """The good one is told to stop: its stdin ends, and it says so."""
    begun, left = tmp_path / "begun", tmp_path / "left"
    waits = script(
        f"import sys; open({str(begun)!r}, 'w'); sys.stdin.read(); open({str(left)!r}, 'w')"
    )
    fails = script(
        f"import os, sys, time; [time.sleep(0.01) for _ in iter(lambda: os.path.exists("
        f"{str(begun)!r}), True)]; sys.exit('bad')"
    )
    with pytest.raises(ConfigurationError, match="It printed last: bad"):
        Servers([fails, waits])
    assert left.exists()


def test_offline_forbids_addresses_and_not_commands() -> None:
    with pytest.raises(OfflineError, match="forbids the connection to the server http://a/mcp"):
        Toolbox(servers=["http://b:c@a/mcp"], offline=True)
    with pytest.raises(ConfigurationError, match="no-such-program"):
        Toolbox(servers=["no-such-program"], offline=True)
    assert shown("https://name:word@host/x@y") == "https://host/x@y"
    assert shown("program a//b@c") == "program a//b@c"


def test_without_the_extra_its_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ConfigurationError) as error:
        Toolbox(servers=[COMMAND])
    assert 'pip install "runner-llm[tools]"' in error.value.remedy
