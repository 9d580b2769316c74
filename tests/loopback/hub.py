"""A stand-in for the Hugging Face Hub: two ports of 127.0.0.1, the Hub's and its CDN's.

It speaks what the real huggingface_hub client asks for (a model's description, `resolve` with its
redirect, ranges), fails on request, and keeps a log of every request for a test to read.
"""

import hashlib
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.loopback.faults import Fault, Kind, Where
from tests.loopback.repository import Repository, Request
from tests.loopback.server import Server


class LoopbackHub:
    """The stand-in. Use it in a `with` block, or through the fixture `loopback_hub`.

    `tokens` maps the tokens it knows to whether their account has accepted the gated licences.
    With `ranges` false, every Range request gets the whole file.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, bool] = {"hf_member": True, "hf_stranger": False}
        self.ranges = True
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.released = threading.Event()
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._servers = [Server(self, "hub"), Server(self, "cdn")]
        self.endpoint, self.cdn = (server.address for server in self._servers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self.released.set()
        for server in self._servers:
            server.close()

    def add(
        self,
        repository: str,
        files: Mapping[str, bytes],
        *,
        gated: bool = False,
        licence: str | None = "mit",
    ) -> str:
        """Publish a repository, or its next commit; returns the commit."""
        self.repositories[repository] = Repository(repository, dict(files), gated, licence)
        return self.repositories[repository].commit

    def fault(
        self,
        where: Where,
        kind: Kind,
        *,
        at: int = 0,
        times: float = 1,
        status: int = 503,
        headers: Mapping[str, str] | None = None,
        of_ranges: bool = False,
    ) -> None:
        """Fail at the next `times` requests (`math.inf`: at all) that `where` gets.

        Faults of one place strike in the order in which they were asked for.
        """
        self.faults.append(Fault(where, kind, at, times, status, dict(headers or {}), of_ranges))

    def seen(self, where: Where, method: str = "GET") -> list[Request]:
        """The requests that came to one place."""
        return [each for each in self.requests if (each.where, each.method) == (where, method)]

    # For the server's threads.

    def note(self, request: Request) -> Fault | None:
        """Log a request; the fault that strikes it, used up by one."""
        with self._lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.where == request.where and (request.range or not fault.of_ranges):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def find(self, name: str) -> Repository | None:
        """A repository by its name, in either case, as on the Hub."""
        for repository in self.repositories.values():
            if repository.name.lower() == name.lower():
                return repository
        return None

    def stored(self, sha256: str) -> bytes | None:
        """The file of this sha256, in any repository."""
        for repository in self.repositories.values():
            for data in repository.files.values():
                if hashlib.sha256(data).hexdigest() == sha256:
                    return data
        return None
