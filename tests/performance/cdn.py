"""A Hub and its CDN that cost the machine as little as possible, in a process of their own.

    python -m tests.performance.cdn FILE [--rate BYTES_PER_SECOND]

Serves FILE as `org/model-GGUF/model.gguf`, each connection at the rate given. Prints its address;
`GET /sent` there tells how many bytes the CDN has sent so far.
"""

import argparse
import hashlib
import itertools
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY, FILE, COMMIT = "org/model-GGUF", "model.gguf", "c" * 40
UNLIMITED = 1 << 23  # bytes of one call to the system
LIMITED = 1 << 16


class Server(ThreadingHTTPServer):
    """The Hub, or with `file`, its CDN."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, rate: float, cdn: "Server | None" = None) -> None:
        self.path, self.rate, self.cdn = path, rate, cdn
        self.size = path.stat().st_size
        self.sent = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed are what is measured."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *arguments: object) -> None:
        """No log."""

    def do_HEAD(self) -> None:
        assert self.server.cdn is not None
        headers = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-ETag": f'"{sha256_of(self.server.path)}"',
            "X-Linked-Size": str(self.server.size),
            "ETag": '"x"',
            "Location": f"{self.server.cdn.address}/signed",
            "Content-Length": "0",
        }
        self._head(302, headers)

    def do_GET(self) -> None:
        if self.server.cdn is None:
            return self._serve()
        body = str(self.server.cdn.sent).encode() if self.path == "/sent" else b""
        self._head(200 if body else 404, {"Content-Length": str(len(body))})
        self.wfile.write(body)
        return None

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _serve(self) -> None:
        size = self.server.size
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        stop = int(found[2]) + 1 if found and found[2] else size
        headers = {"Content-Length": str(stop - start), "ETag": '"x"'}
        if found:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        self._head(206 if found else 200, headers)
        self.wfile.flush()
        with self.server.path.open("rb") as stream:
            self._send(stream.fileno(), start, stop)

    def _send(self, file: int, start: int, stop: int) -> None:
        rate, due = self.server.rate, time.monotonic()
        most = LIMITED if rate else UNLIMITED
        while start < stop:
            sent = os.sendfile(self.connection.fileno(), file, start, min(most, stop - start))
            start += sent
            with self.server.lock:
                self.server.sent += sent
            if rate:
                # What was late is not made good for, as a line of that rate would not either.
                due = max(due, time.monotonic() - sent / rate) + sent / rate
                time.sleep(max(0.0, due - time.monotonic()))


_known: dict[Path, str] = {}


def sha256_of(path: Path) -> str:
    """The sha256 of the file, found out once."""
    if path not in _known:
        with path.open("rb") as stream:
            _known[path] = hashlib.file_digest(stream, "sha256").hexdigest()
    return _known[path]


def write_random(path: Path, size: int) -> None:
    """A file of `size` bytes that differ everywhere."""
    block = os.urandom(1 << 20)
    with path.open("wb") as stream:
        for number in itertools.count():
            if not (left := size - stream.tell()):
                return
            stream.write((number.to_bytes(8, "little") + block[8:])[:left])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--rate", type=float, default=0)
    options = parser.parse_args()
    sha256_of(options.file)
    cdn = Server(options.file, options.rate)
    hub = Server(options.file, options.rate, cdn)
    threading.Thread(target=cdn.serve_forever, daemon=True).start()
    print(hub.address, flush=True)
    hub.serve_forever()


if __name__ == "__main__":
    main()
