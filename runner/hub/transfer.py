"""The bytes of one file: asked for from where the part ends, until it is whole.

huggingface_hub 2 neither resumes a download of an earlier run nor checks a hash, so the transfer
is Runner's own over its HTTP client: Range requests to the pinned commit's address (which gives a
fresh signed address on the CDN each time), every answer held against what was asked.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from runner.errors import IntegrityError, NetworkError
from runner.hub.part import Part
from runner.hub.problems import PORTAL
from runner.hub.retry import Retries, Transient

if TYPE_CHECKING:
    from runner.hub.stack import httpx

# An attempt has to bring this many bytes to count as progress, so that a server which always
# breaks off early is not asked for ever.
PROGRESS = 1 << 20

Get = Callable[[int], AbstractContextManager["httpx.Response"]]


class BadRange(Transient):
    """The server does not do Range requests well: the rest is asked for whole."""


def fill(part: Part, get: Get, retries: Retries, progress: Callable[[int], None]) -> None:
    """Fetch until `part` is whole. `get(start)` opens a request for the bytes from `start` on.

    Raises NetworkError where the budget is spent, and what `get` raises; the part stays on disk.
    """
    ranges = True
    furthest = part.done
    while part.done < part.bytes:
        try:
            with get(part.done if ranges else 0) as response:
                for data in _body(response, part):
                    part.write(data)
                    progress(part.done)
            if part.done < part.bytes:
                raise Transient("the connection was closed early")
        except Transient as problem:
            ranges = ranges and not isinstance(problem, BadRange)
            if part.done >= furthest + PROGRESS:
                furthest = part.done
                retries.progressed()
            _again(retries, problem, part)


def _again(retries: Retries, problem: Transient, part: Part) -> None:
    """Wait for another attempt, or give up, saying what is kept."""
    try:
        retries.again(problem)
    except NetworkError as error:
        if part.done:
            kept = f"{part.done / 1e9:.2f} of {part.bytes / 1e9:.2f} GB"
            error.remedy = f"{error.remedy} The same command continues after {kept}.".strip()
        raise


def _body(response: "httpx.Response", part: Part) -> Iterator[bytes]:
    """The bytes that continue the part, which is emptied first where all come again.

    Raises Transient, before the part is touched, for an answer that is not this file.
    """
    _check_tag(response, part)
    if response.status_code == 206:
        wanted = f"bytes {part.done}-{part.bytes - 1}/{part.bytes}"
        if response.headers.get("Content-Range", "").replace("/*", f"/{part.bytes}") != wanted:
            raise BadRange("the server sent another part of the file than was asked for")
    elif response.status_code == 200:
        _check_size(response, part)
        part.restart()
    else:
        raise Transient(f"the server answered {response.status_code}")
    for data in response.iter_bytes():
        if part.done + len(data) > part.bytes:
            part.restart()
            raise BadRange("the server sent more than the file holds")
        yield data


def _check_tag(response: "httpx.Response", part: Part) -> None:
    """Hold the sha256 that the Hub announces for a file against the listing's."""
    for answer in (*response.history, response):
        announced = answer.headers.get("X-Linked-ETag", "").removeprefix("W/").strip('"')
        if re.fullmatch("[0-9a-f]{64}", announced) and announced != part.sha256:
            raise IntegrityError(
                f"{part.destination.name} has changed on the Hub since it was listed",
                remedy="Run the command again.",
            )


def _check_size(response: "httpx.Response", part: Part) -> None:
    """Refuse a whole answer that cannot be the file: a login page, an error dressed as success."""
    length = response.headers.get("Content-Length")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise Transient("a web page came instead of the file", remedy=PORTAL)
    if length is not None and not encoded and length != str(part.bytes):
        raise Transient(f"{length} bytes came instead of {part.bytes}", remedy=PORTAL)
