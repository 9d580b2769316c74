"""The stand-in Hub's HTTP: which request means what, and how a fault strikes its answer."""

import json
import re
import socket
import struct
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from tests.loopback.faults import Fault, Where
from tests.loopback.repository import File, Repository, Request, digest, in_large_storage

if TYPE_CHECKING:
    from tests.loopback.hub import LoopbackHub

PIECE = 1 << 16
PORTAL = b"<!doctype html><html><body>Welcome! Accept our terms to go online.</body></html>"
# Data sets are described and served as models are.
MODEL = re.compile(
    r"/api/(?:models|datasets)/(?P<name>[^/]+(?:/[^/]+)?)(?:/revision/(?P<revision>[^/]+))?"
)
RESOLVE = re.compile(
    r"/(?:datasets/)?(?P<name>[^/]+(?:/[^/]+)?)/resolve/(?P<revision>[^/]+)/(?P<file>.+)"
)


class Server(ThreadingHTTPServer):
    """One of the two ports, serving from its own thread until closed."""

    daemon_threads = True

    def __init__(self, hub: "LoopbackHub", role: Literal["hub", "cdn"]) -> None:
        self.hub = hub
        self.role = role
        self.connections: set[socket.socket] = set()
        self.failures: list[BaseException] = []
        super().__init__(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        """Stop, hang up on everyone, and raise what went wrong in a handler."""
        self.shutdown()
        self._thread.join()
        for connection in tuple(self.connections):
            hang_up(connection)
        self.server_close()
        if self.failures:
            raise self.failures[0]

    def server_bind(self) -> None:
        """Bind without asking the system for a host name, as http.server does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what many tests are about; anything else is a defect here."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.failures.append(error)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *arguments: object) -> None:
        """The log is `LoopbackHub.requests`."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.path = unquote(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.request_ = Request(self._where(), self.command, self.path, headers)
        fault = self.server.hub.note(self.request_)
        match fault:
            case Fault(kind="status"):
                self._refuse(fault.status, "", **fault.headers)
            case Fault(kind="portal"):
                self._send(200, PORTAL, {"Content-Type": "text/html; charset=utf-8"})
            case Fault(kind="stall", where="api" | "resolve"):
                self.server.hub.closing.wait()
                self.close_connection = True
            case _:
                self._route(fault)

    def _where(self) -> Where:
        if self.server.role == "cdn":
            return "cdn"
        return "api" if self.path.startswith("/api/") else "resolve"

    def _route(self, fault: Fault | None) -> None:
        path = urlsplit(self.path).path
        if self.server.role == "cdn":
            data = self.server.hub.stored(path.rpartition("/")[2])
            return self._refuse(404, "") if data is None else self._send_file(data, fault)
        if path == "/api/models":
            return self._search(parse_qs(urlsplit(self.path).query))
        if found := MODEL.fullmatch(path):
            return self._describe(found["name"], found["revision"])
        if found := RESOLVE.fullmatch(path):
            return self._resolve(found["name"], found["revision"], found["file"], fault)
        return self._refuse(404, "")

    def _search(self, query: dict[str, list[str]]) -> None:
        """A page of what was found, with the address of the next one."""
        found = self.server.hub.search(query.get("search", [""])[0], query.get("sort", [""])[0])
        limit, start = int(query["limit"][0]), int(query.get("cursor", ["0"])[0])
        headers = {"Content-Type": "application/json"}
        if start + limit < len(found):
            rest = self.path.partition("&cursor=")[0] + f"&cursor={start + limit}"
            headers["Link"] = f'<{self.server.address}{rest}>; rel="next"'
        self._send(200, json.dumps(found[start : start + limit]).encode(), headers)

    def _describe(self, name: str, revision: str | None) -> None:
        if repository := self._repository(name, revision):
            body = json.dumps(repository.describe()).encode()
            self._send(200, body, {"Content-Type": "application/json"})

    def _resolve(self, name: str, revision: str, file: str, fault: Fault | None) -> None:
        """A redirect to the CDN for a model's file; a small file itself."""
        repository = self._repository(name, revision)
        if repository is None:
            return None
        if repository.gated and not self._is_member():
            known = self._token() is not None
            return self._refuse(403 if known else 401, "GatedRepo")
        if file not in repository.files:
            return self._refuse(404, "EntryNotFound", **{"X-Repo-Commit": repository.commit})
        data = repository.files[file]
        sha256 = digest(data)
        headers = {"X-Repo-Commit": repository.commit}
        if not in_large_storage(file):
            return self._send(200, data[:], headers | {"ETag": f'"{sha256[:40]}"'})
        announced = "f" * 64 if fault and fault.kind == "other_etag" else sha256
        headers |= {
            "X-Linked-ETag": f'"{announced}"',
            "X-Linked-Size": str(len(data)),
            "Location": f"{self.server.hub.cdn}/signed/{sha256}?Signature=abc",
        }
        return self._send(302, b"", headers)

    def _repository(self, name: str, revision: str | None) -> Repository | None:
        """The repository asked for, once the token and the revision are in order."""
        token = self._token()
        repository = self.server.hub.find(name)
        if token is not None and token not in self.server.hub.tokens:
            refusal = {"X-Error-Message": "Invalid credentials in Authorization header"}
            self._refuse(401, "", **refusal)
        elif repository is None:
            self._refuse(401 if token is None else 404, "RepoNotFound")
        elif revision not in (None, "main", repository.commit):
            self._refuse(404, "RevisionNotFound")
        else:
            return repository
        return None

    def _token(self) -> str | None:
        return self.headers.get("Authorization", "").removeprefix("Bearer ") or None

    def _is_member(self) -> bool:
        token = self._token()
        return token is not None and self.server.hub.tokens.get(token, False)

    def _refuse(self, status: int, code: str, **headers: str) -> None:
        if code:
            headers["X-Error-Code"] = code
        self._send(status, b"", headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._head(status, {"Content-Length": str(len(body))} | headers)
        if self.command == "GET":
            self._write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_file(self, data: File, fault: Fault | None) -> None:
        """A file, or the range of it that is asked for, as the fault has it."""
        kind = fault.kind if fault else None
        tag = f'"{digest(data)[:32]}"'
        if fault and kind == "flip":
            flipped = bytes([data[fault.at : fault.at + 1][0] ^ 1])
            data = data[: fault.at] + flipped + data[fault.at + 1 :]
        if kind in ("wrong", "changed"):
            data = data[::-1]
        asked = self._range(len(data))
        span = asked or range(len(data))
        if kind == "wrong_start":
            span = range(span.start + 1000, span.stop)
        body = data[span.start : span.stop]
        if kind == "short":
            body = body[:-100]
        headers = {"Content-Length": str(len(body))}
        if kind == "long":
            body, headers, self.close_connection = body + bytes(100), {}, True
        if asked:
            headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{len(data)}"
        if kind == "encoded":
            headers["Content-Encoding"] = "gzip"
        headers["ETag"] = '"another"' if kind == "changed" else tag
        self._head(206 if asked else 200, headers)
        if self.command == "GET":
            self._send_body(body, fault)

    def _range(self, size: int) -> range | None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found or not self.server.hub.ranges:
            return None
        return range(int(found[1]), min(int(found[2]) + 1, size) if found[2] else size)

    def _send_body(self, body: bytes, fault: Fault | None) -> None:
        if fault is None or fault.kind not in ("cut", "reset", "stall", "hold"):
            return self._write(body)
        self._write(body[: fault.at])
        if fault.kind == "hold":
            self.server.hub.released.wait()
            return self._write(body[fault.at :])
        if fault.kind == "stall":
            self.server.hub.closing.wait()
        self.close_connection = True
        if fault.kind == "reset":
            # Closing at once, with nothing lingering, is what makes the system send a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket(fileno=self.connection.detach()).close()
        else:
            hang_up(self.connection)
        return None

    def _write(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self.wfile.write(piece)
            self.request_.sent += len(piece)
            if self.server.role == "cdn" and self.server.hub.rate:
                self.server.hub.closing.wait(len(piece) / self.server.hub.rate)


def hang_up(connection: socket.socket) -> None:
    """Close a connection as seen from the other side, whatever of ours still holds it."""
    with suppress(OSError):  # the client may have been first
        connection.shutdown(socket.SHUT_RDWR)
