"""A stand-in for the Hugging Face Hub: two ports of 127.0.0.1, the Hub's and its CDN's.

It speaks what the real huggingface_hub client asks for (a model's description, `resolve` with its
redirect, ranges), fails on request, and keeps a log of every request for a test to read.
"""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tests.loopback.faults import Fault, Kind, Where
from tests.loopback.repository import File, Repository, Request, digest
from tests.loopback.server import Server


class LoopbackHub:
    """The stand-in. Use it in a `with` block, or through the fixture `loopback_hub`.

    `tokens` maps the tokens it knows to whether their account has accepted the gated licences.
    With `ranges` false, every Range request gets the whole file. `rate` limits each connection to
    the CDN to so many bytes a second.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, bool] = {"hf_member": True, "hf_stranger": False}
        self.ranges = True
        self.rate: float | None = None
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
        files: Mapping[str, File],
        *,
        gated: bool = False,
        licence: str | None = "mit",
        facts: Mapping[str, Any] | None = None,
    ) -> str:
        """Publish a repository, or its next commit; returns the commit. `facts` are laid over
        what the Hub says of it."""
        self.repositories[repository] = Repository(
            repository, dict(files), gated, licence, dict(facts or {})
        )
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
                if fault.strikes(request):
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

    def search(self, words: str, sort: str) -> list[dict[str, Any]]:
        """What the Hub says of the repositories whose names hold every word, the most first."""
        found = [
            repository.describe()
            for repository in self.repositories.values()
            if all(word in repository.name.lower() for word in words.lower().split())
        ]
        return sorted(found, key=lambda about: str(about.get(sort, "")).zfill(12), reverse=True)

    def stored(self, sha256: str) -> File | None:
        """The file of this sha256, in any repository."""
        for repository in self.repositories.values():
            for data in repository.files.values():
                if digest(data) == sha256:
                    return data
        return None
