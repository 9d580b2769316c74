"""Where the bytes of one file come from: ranges of it, every answer held against what was asked.

The Hub's address of a file redirects to a signed one on a CDN, which serves any number of ranges
until it expires. So the Hub is asked once, and again only when the CDN refuses.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import __version__
from runner.errors import IntegrityError
from runner.hub.listing import Listing, RemoteFile
from runner.hub.problems import PORTAL, busy, translated
from runner.hub.retry import Transient

if TYPE_CHECKING:
    from runner.hub.stack import httpx

REDIRECTS = 5  # on the Hub itself: a repository that was renamed has one
REDIRECTING = (301, 302, 303, 307, 308)


class BadRange(Transient):
    """The server does not do Range requests well."""


@dataclass(slots=True)
class Address:
    """Where to ask for bytes, and with what; the token only where that is the Hub itself.

    `server` is a CDN's name for messages; `served` is whether an answer of it was right.
    """

    url: str
    headers: dict[str, str]
    server: str | None
    served: bool = False


class Source:
    """One file of a listing. Several threads may ask at once.

    `ranges` is whether the server can be asked for a range; who finds that it cannot sets it.
    """

    def __init__(self, endpoint: str, listing: Listing, file: RemoteFile, timeout: float) -> None:
        self.endpoint = endpoint
        self.repository = listing.repository
        self.commit = listing.commit
        self.file = file
        self.timeout = timeout
        self.ranges = True
        self._lock = threading.Lock()
        self._address: Address | None = None
        self._tag: str | None = None  # the entity tag that answers carry, once one did
        self._connections: set[socket.socket] = set()

    @contextmanager
    def open(self, claim: range) -> Iterator[Iterator[bytes]]:
        """The bytes of a range, or of the whole file where `ranges` is off.

        Raises Transient, BadRange, IntegrityError for a file that is another by now, and what
        the Hub's refusals mean.
        """
        with ExitStack() as stack:
            address = self._resolved()
            response = stack.enter_context(self._get(address, claim))
            if response.status_code == 403 and address.served:  # it has expired
                stack.close()
                self._forget(address)
                address = self._resolved()
                response = stack.enter_context(self._get(address, claim))
            self._check(response, address, claim)
            address.served = True
            expected = len(claim) if response.status_code == 206 else self.file.bytes
            yield _exactly(expected, response.iter_raw())

    @contextmanager
    def _get(self, address: Address, claim: range) -> Iterator["httpx.Response"]:
        from runner.hub import stack

        headers = dict(address.headers)
        if self.ranges:
            headers["Range"] = f"bytes={claim.start}-{claim.stop - 1}"
        try:
            with (
                translated(self.endpoint, self.repository, self._what, address.server),
                stack.get_session().stream(
                    "GET", address.url, headers=headers, timeout=self.timeout
                ) as response,
                self._hung_up_at_will(response),
            ):
                yield response
        except Transient:
            if not address.served:
                self._forget(address)  # perhaps another one works
            raise

    @property
    def _what(self) -> str:
        return f"{self.file.path} in {self.repository}"

    # The address.

    def _resolved(self) -> Address:
        """The address to ask, found out by one thread for all."""
        with self._lock:
            if self._address is None:
                with translated(self.endpoint, self.repository, self._what):
                    self._address = self._resolve()
            return self._address

    def _forget(self, address: Address) -> None:
        with self._lock:
            if self._address is address:
                self._address = None

    def _resolve(self) -> Address:
        """Ask the Hub where the file is. Redirects are followed by hand, so that the token stays
        with the Hub."""
        from runner.hub import stack

        plain = {"Accept-Encoding": "identity"}
        headers = stack.build_hf_headers(library_name="runner", library_version=__version__) | plain
        url = stack.httpx.URL(
            stack.hf_hub_url(
                self.repository, self.file.path, revision=self.commit, endpoint=self.endpoint
            )
        )
        for _ in range(REDIRECTS):
            response = stack.get_session().head(
                url, headers=headers, timeout=self.timeout, follow_redirects=False
            )
            if response.is_error:
                stack.hf_raise_for_status(response)
            self._check_announced(response)
            _check_kind(response)
            if response.status_code not in REDIRECTING:
                return Address(str(url), headers, None)
            target = url.join(response.headers.get("Location", ""))
            if (target.scheme, target.netloc) != (url.scheme, url.netloc):
                headers = {"User-Agent": headers.get("user-agent", "runner")} | plain
                return Address(str(target), headers, f"the CDN at {target.host}")
            url = target
        raise Transient(f"{self.endpoint} redirects {self._what} in circles", remedy=PORTAL)

    def _check_announced(self, response: "httpx.Response") -> None:
        """Hold what the Hub announces of a file against the listing."""
        announced = response.headers.get("X-Linked-ETag", "").removeprefix("W/").strip('"')
        size = response.headers.get("X-Linked-Size", str(self.file.bytes))
        another = re.fullmatch("[0-9a-f]{64}", announced) and announced != self.file.sha256
        if another or size != str(self.file.bytes):
            raise IntegrityError(
                f"{self.file.path} has changed on the Hub since it was listed",
                remedy="Run the command again.",
            )

    # The answers.

    def _check(self, response: "httpx.Response", address: Address, claim: range) -> None:
        """Refuse an answer that is not the bytes that were asked for."""
        from runner.hub.stack import hf_raise_for_status

        if response.status_code == 416:
            raise BadRange("the server refused a range of the file")
        if response.is_error:
            self._forget(address)
            if address.server:
                # What a CDN refuses says nothing about the file.
                raise busy(address.server, response)
            with translated(self.endpoint, self.repository, self._what):
                hf_raise_for_status(response)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise Transient("the file came compressed, though that was not asked for")
        if response.status_code == 206 and self.ranges:
            self._check_range(response, claim)
        elif response.status_code == 200:
            self._check_whole(response, claim)
        else:
            raise Transient(f"the server answered {response.status_code}")
        self._check_tag(response, address)

    def _check_range(self, response: "httpx.Response", claim: range) -> None:
        wanted = f"bytes {claim.start}-{claim.stop - 1}/{self.file.bytes}"
        got = response.headers.get("Content-Range", "").replace("/*", f"/{self.file.bytes}")
        if got != wanted:
            raise BadRange("the server sent another part of the file than was asked for")

    def _check_whole(self, response: "httpx.Response", claim: range) -> None:
        """Refuse what cannot be the file: a login page, an error dressed as success."""
        length = response.headers.get("Content-Length", str(self.file.bytes))
        _check_kind(response)
        if length != str(self.file.bytes):
            raise Transient(f"{length} bytes came instead of {self.file.bytes}", remedy=PORTAL)
        if self.ranges and len(claim) != self.file.bytes:
            raise BadRange("the server sent the whole file instead of a part of it")

    def _check_tag(self, response: "httpx.Response", address: Address) -> None:
        """Refuse an answer about other content than the answers before it."""
        tag = response.headers.get("ETag", "")
        if not tag or tag.startswith("W/"):
            return
        with self._lock:
            same = self._tag in (None, tag)
            self._tag = tag if same else None  # which of the two is right, nobody knows
        if not same:
            self._forget(address)
            raise Transient("the file changed on the server while it was fetched")

    # Hanging up.

    @contextmanager
    def _hung_up_at_will(self, response: "httpx.Response") -> Iterator[None]:
        stream = response.extensions.get("network_stream")
        connection = stream.get_extra_info("socket") if stream else None
        if not isinstance(connection, socket.socket):
            yield
            return
        self._connections.add(connection)
        try:
            yield
        finally:
            self._connections.discard(connection)

    def hang_up(self) -> None:
        """Break every connection that bytes arrive on, so that no thread goes on waiting."""
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _check_kind(response: "httpx.Response") -> None:
    page = response.headers.get("Content-Type", "").startswith("text/html")
    if response.status_code == 200 and page:
        raise Transient("a web page came instead of the file", remedy=PORTAL)


def _exactly(expected: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, which must be as many bytes. Raises Transient."""
    for chunk in chunks:
        expected -= len(chunk)
        if expected < 0:
            raise BadRange("the server sent more than was asked for")
        yield chunk
    if expected:
        raise Transient("the connection was closed early")
