"""The Hub: one object to ask what a repository holds and to fetch a file of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING

from runner import __version__
from runner.errors import ConfigurationError, IntegrityError, OfflineError
from runner.hub.listing import Listing, RemoteFile, read_listing
from runner.hub.part import Fetched, Part, folder_for, on_disk, whole
from runner.hub.problems import PORTAL, busy, translated
from runner.hub.retry import Patience, Retries, Transient
from runner.hub.transfer import BadRange, fill

if TYPE_CHECKING:
    from runner.hub.stack import httpx

PUBLIC_HUB = "https://huggingface.co"
LISTING_ATTEMPTS = 3  # nothing is lost by giving up before the first byte


def ignore(_: object) -> None:
    """For callers who want no progress and no remarks."""


class Hub:
    """Hugging Face, or the Hub at `endpoint` or HF_ENDPOINT, with the token of `hf auth login`.

    `offline` forbids every connection. `remark` is told, in a line of text, of anything a person
    waiting would want to know: a retry and its reason, another process at the same file.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        offline: bool = False,
        *,
        patience: Patience | None = None,
        remark: Callable[[str], None] = ignore,
    ) -> None:
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
        if not self.endpoint.startswith(("https://", "http://")):
            raise ConfigurationError(
                f"HF_ENDPOINT is {self.endpoint!r}, which is not a web address",
                remedy=f"Unset it, or set it to an address like {PUBLIC_HUB}.",
            )
        self.offline = offline
        self.patience = patience or Patience()
        self.remark = remark

    def listing(self, repository: str, revision: str | None = None) -> Listing:
        """The files of `repository` at `revision` (a branch, tag or commit; None: the default).

        Raises UnknownModel, AccessDenied, NetworkError, OfflineError.
        """
        self._require_connection(repository)
        from runner.hub import stack

        api = stack.HfApi(
            endpoint=self.endpoint, library_name="runner", library_version=__version__
        )
        patience = replace(self.patience, attempts=min(self.patience.attempts, LISTING_ATTEMPTS))
        retries = Retries(patience, self.remark)
        what = f"{repository} at {revision}" if revision else repository
        while True:
            try:
                with translated(self.endpoint, repository, what), _expecting_listing(self.endpoint):
                    info = api.model_info(
                        repository,
                        revision=revision,
                        files_metadata=True,
                        timeout=self.patience.timeout,
                    )
                    return read_listing(info)
            except Transient as problem:
                retries.again(problem)

    def fetch(
        self,
        listing: Listing,
        file: RemoteFile,
        destination: Path,
        *,
        progress: Callable[[int], None] = ignore,
    ) -> Fetched:
        """Fetch a file of a listing to the path `destination`, whole and verified, or not at all.

        `progress` gets the number of bytes there are so far; it falls back to 0 where a server
        makes the transfer start over. An interrupted transfer, by Ctrl-C, a kill or an error,
        leaves `destination` + `.part`, which the next call continues. A file that is there
        already and right is returned without a connection.

        Raises AccessDenied, UnknownModel, NetworkError, OfflineError, DiskError, IntegrityError.
        """
        if file.sha256 is None:
            raise IntegrityError(
                f"{listing.repository} publishes no sha256 for {file.path} to check it by",
                remedy="Download it by hand if you trust it, and name its path.",
            )
        if there := whole(destination, file, progress):
            return there
        self._require_connection(file.path)
        with folder_for(destination), self._alone_at(destination):
            if there := whole(destination, file, progress):
                return there  # another process fetched it while this one waited
            if destination.exists():
                self.remark(f"{destination} is not the published file; replacing it")
            with Part(listing, file, destination) as part:
                part.open(progress)
                retries = Retries(self.patience, self.remark)
                fill(part, lambda start: self._get(listing, file, start), retries, progress)
                return part.publish()

    def _require_connection(self, what: str) -> None:
        if self.offline:
            raise OfflineError(
                f"{what} would have to be fetched, and offline mode forbids it",
                remedy="Leave out --offline, or use a model that is already here.",
            )

    @contextmanager
    def _get(self, listing: Listing, file: RemoteFile, start: int) -> Iterator["httpx.Response"]:
        """A request for a file's bytes from `start` on, following redirects to the CDN.

        The client drops the token where a redirect leaves the Hub's origin.
        """
        from runner.hub import stack

        what = f"{file.path} in {listing.repository}"
        with translated(self.endpoint, listing.repository, what):
            address = stack.hf_hub_url(
                listing.repository, file.path, revision=listing.commit, endpoint=self.endpoint
            )
            headers = stack.build_hf_headers(library_name="runner", library_version=__version__)
            headers["Accept-Encoding"] = "identity"
            if start:
                headers["Range"] = f"bytes={start}-"
            with stack.get_session().stream(
                "GET", address, headers=headers, timeout=self.patience.timeout
            ) as response:
                _check_status(response)
                stack.hf_raise_for_status(response)
                yield response

    @contextmanager
    def _alone_at(self, destination: Path) -> Iterator[None]:
        """Hold the lock of a destination, so that no two processes write one part."""
        from filelock import FileLock, Timeout

        lock = FileLock(destination.with_name(destination.name + ".part.lock"))
        with on_disk(destination):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                self.remark(f"another process is fetching {destination.name}; waiting for it")
                lock.acquire(poll_interval=0.2)
        try:
            yield
        finally:
            # Removed while it is held, so that who waits for it sees that it is gone; Windows
            # allows that only afterwards, and only while nobody waits.
            if os.name == "nt":
                lock.release()
            with suppress(OSError):
                Path(lock.lock_file).unlink()
            lock.release()


def _check_status(response: "httpx.Response") -> None:
    """Raise Transient for a refusal that says nothing about the file: the CDN's, whose signed
    addresses expire, or of the range. The Hub's own refusals mean what they say."""
    asked = response.history[0].url if response.history else response.url
    if response.status_code == 416:
        raise BadRange("the server refused to continue where the file was left")
    if response.is_error and response.url.netloc != asked.netloc:
        raise busy(f"the CDN at {response.url.host}", response)


@contextmanager
def _expecting_listing(endpoint: str) -> Iterator[None]:
    """Turn an answer that is no listing at all into Transient."""
    try:
        yield
    except (JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Transient(f"{endpoint} did not answer as a Hub does", remedy=PORTAL) from error
