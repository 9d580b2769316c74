"""Servers of the Model Context Protocol as tools: started by their command, or reached at an
address that the user named.

They are spoken to on a thread of their own. Whatever a server does, starting it, a call and ending
it are over in bounded time.
"""

import logging
import os
import re
import shlex
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runner.chat.tools.results import text_of
from runner.chat.tools.tool import Tool, ToolFailed, awaited
from runner.errors import ConfigurationError, OfflineError, RunnerError

if TYPE_CHECKING:
    from anyio import Event
    from anyio.from_thread import BlockingPortal
    from mcp import Client
    from mcp.client import Transport

START_LIMIT = 30.0
"""Seconds in which a server has to say what tools it has."""
_END_LIMIT = 10.0
_COMPLAINT = 2000  # bytes of a server's stderr that are kept, its last ones

# What the SDK logs would be printed between the lines of the chat; errors reach us as exceptions.
logging.getLogger("mcp").addHandler(logging.NullHandler())


class Servers:
    """The servers of one conversation and their tools. Close it."""

    def __init__(
        self, named: Sequence[str], *, offline: bool = False, start_limit: float = START_LIMIT
    ) -> None:
        """`named`: a command or an address each.

        Raises ConfigurationError for a server that does not start, or says no tools within
        `start_limit` seconds; OfflineError for an address where `offline`.
        """
        for one in named:
            if offline and _is_address(one):
                raise OfflineError(
                    f"--offline forbids the connection to the server {shown(one)}",
                    remedy="Leave --offline out, or name a server by its command.",
                )
        try:
            import mcp  # noqa: F401
            from anyio.from_thread import start_blocking_portal
        except ImportError:
            raise ConfigurationError(
                "Servers of the Model Context Protocol need a package that is not installed.",
                remedy='Install it: pip install "runner-llm[tools]"',
            ) from None
        with ExitStack() as undo:
            portal = undo.enter_context(start_blocking_portal())
            servers = [_Server(one, portal) for one in named]
            undo.callback(_end, servers)
            for server in servers:
                server.start()
            self.tools: list[Tool] = [
                tool for server in servers for tool in server.tools(start_limit)
            ]
            self._undo = undo.pop_all()

    def close(self) -> None:
        """End the servers that were started."""
        self._undo.close()


def _end(servers: Sequence["_Server"]) -> None:
    for server in servers:
        server.stop()
    for server in servers:
        server.wait()


@dataclass(frozen=True, slots=True)
class ServerTool:
    """One tool of a server."""

    name: str
    source: str
    description: str
    parameters: Mapping[str, Any]
    call: Callable[[str, dict[str, Any]], Future[str]]

    def start(self, arguments: dict[str, Any]) -> Future[str]:
        return self.call(self.name, arguments)


@dataclass(slots=True)
class _Server:
    """One server: a task on the portal's thread that holds its connection open until it is told
    to stop."""

    named: str
    portal: "BlockingPortal"
    _ready: Future[list[ServerTool]] = field(default_factory=Future)
    _complaints: "_Complaints | None" = None
    _client: "Client | None" = None
    _stopping: "Event | None" = None
    _task: Future[None] | None = None

    def start(self) -> None:
        self._task = self.portal.start_task_soon(self._serve)

    def tools(self, limit: float) -> list[ServerTool]:
        """Its tools; ConfigurationError where it fails or takes longer than `limit` seconds."""
        try:
            return awaited(self._ready, limit)
        except TimeoutError:
            reason = f"said nothing for {limit:g} seconds"
        except RunnerError:
            raise
        except FileNotFoundError:
            reason = "cannot be started: there is no such program"
        except Exception as error:
            reason = f"cannot be used: {_said(error)}"
        raise ConfigurationError(
            f"The server {shown(self.named)} {reason}{self._complaint()}",
            remedy="See whether it runs and is at this address."
            if _is_address(self.named)
            else "Run its command in a terminal to see whether it starts.",
        )

    def stop(self) -> None:
        with suppress(RuntimeError):  # the portal has ended
            self.portal.start_task_soon(self._stop)

    def wait(self) -> None:
        if self._task is not None:
            with suppress(Exception, CancelledError):
                self._task.result(_END_LIMIT)
            self._task.cancel()

    async def _stop(self) -> None:
        if self._stopping is not None and self._ready.done():
            self._stopping.set()
        elif self._task is not None:
            self._task.cancel()  # it is still being started, or does not say its tools

    async def _serve(self) -> None:
        import anyio
        from mcp import Client

        self._stopping = anyio.Event()
        try:
            async with Client(self._transport()) as client:
                if self._complaints:
                    self._complaints.stream.close()  # the server has its own end
                self._client = client
                tools = await self._listed(client)
                self._ready.set_result(tools)
                await self._stopping.wait()
        except Exception as error:
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            if self._complaints:
                self._complaints.stream.close()

    def _transport(self) -> "Transport":
        from mcp import StdioServerParameters, stdio_client

        if _is_address(self.named):
            return _over_http(self.named)
        program, *arguments = _words(self.named)
        self._complaints = _Complaints()
        parameters = StdioServerParameters(command=program, args=arguments)
        return stdio_client(parameters, errlog=self._complaints.stream)

    async def _listed(self, client: "Client") -> list[ServerTool]:
        found = []
        cursor: str | None = None
        while True:
            page = await client.list_tools(cursor=cursor)
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        name = client.server_info.name if client.server_info else "server"
        return [
            ServerTool(one.name, name, one.description or "", one.input_schema, self._begin)
            for one in found
        ]

    def _begin(self, name: str, arguments: dict[str, Any]) -> Future[str]:
        return self.portal.start_task_soon(self._call, name, arguments)

    async def _call(self, name: str, arguments: dict[str, Any]) -> str:
        assert self._client is not None
        try:
            result = await self._client.call_tool(name, arguments)
        except Exception as error:
            raise ToolFailed(
                f"the server {shown(self.named)} failed: {_said(error)}{self._complaint()}"
            ) from error
        text = text_of(result)
        if result.is_error:
            raise ToolFailed(text or "the tool failed and did not say why.")
        return text

    def _complaint(self) -> str:
        said = self._complaints.said if self._complaints else ""
        return f". It printed last: {said}" if said else ""


@asynccontextmanager
async def _over_http(address: str) -> AsyncIterator[Any]:
    """A connection to an address. What is on this machine is not reached through a proxy."""
    from httpx2 import AsyncClient, Timeout
    from mcp.client.streamable_http import streamable_http_client

    here = urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")
    timeout = Timeout(START_LIMIT, read=None)  # a call's own limit ends the wait for its result
    async with (
        AsyncClient(timeout=timeout, trust_env=not here) as http,
        streamable_http_client(address, http_client=http) as streams,
    ):
        yield streams


class _Complaints:
    """What a server prints on stderr, of which the end is kept for an error's message."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.stream = os.fdopen(writing, "w", encoding="utf-8")
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while chunk := pipe.read(65536):
                self._kept = (self._kept + chunk)[-_COMPLAINT:]

    @property
    def said(self) -> str:
        """The last line of it."""
        self._thread.join(0.2)  # what a server that has just died said may be on its way
        lines = self._kept.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


def shown(named: str) -> str:
    """The server as it is named to a person, without a password in its address."""
    return re.sub(r"(?<=//)[^/@\s]*@", "", named) if _is_address(named) else named


def _is_address(named: str) -> bool:
    return named.lower().startswith(("http://", "https://"))


def _words(command: str) -> list[str]:
    """The words of a command, as this system's shell would split them."""
    words: list[str] = []
    with suppress(ValueError):  # a quotation that does not end
        words = shlex.split(command, posix=os.name != "nt")
    if not words:
        raise ConfigurationError(
            f"--mcp {command!r} is no command.", remedy="Name a program with its arguments."
        )
    return [word.strip('"') for word in words] if os.name == "nt" else words


def _said(error: BaseException) -> str:
    """What went wrong, out of whatever the SDK wrapped it in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
