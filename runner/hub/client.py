"""The Hub: one object to ask what a repository holds and to fetch a file of it."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from json import JSONDecodeError
from pathlib import Path
from threading import Lock
from typing import TypeVar

from runner import __version__
from runner.errors import BadModelFile, ConfigurationError, IntegrityError, OfflineError
from runner.gguf import Header
from runner.hub.datasets import DatasetFile, FetchedTask, fetch, kept
from runner.hub.disk import folder_for, on_disk, require_space
from runner.hub.fetched import Fetched, whole
from runner.hub.headers import Headers, Read
from runner.hub.listing import Listing, RemoteFile, read_listing
from runner.hub.mend import mend
from runner.hub.part import Part, begun, missing_room, take_over
from runner.hub.problems import PORTAL, translated
from runner.hub.ranges import read_range
from runner.hub.retry import Patience, Retries, Transient, patiently
from runner.hub.search import Found, search
from runner.hub.source import Source
from runner.hub.transfer import fill
from runner.paths import cache_directory

T = TypeVar("T")

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
        what = f"{repository} at {revision}" if revision else repository

        def ask() -> Listing:
            with translated(self.endpoint, repository, what), _expecting_listing(self.endpoint):
                info = api.model_info(
                    repository,
                    revision=revision,
                    files_metadata=True,
                    timeout=self.patience.timeout,
                )
                return read_listing(info, self.endpoint)

        return self._patiently(ask)

    def fetch(
        self,
        listing: Listing,
        file: RemoteFile,
        destination: Path,
        *,
        progress: Callable[[int], None] = ignore,
        elsewhere: Iterable[Path] = (),
    ) -> Fetched:
        """Fetch a file of a listing to the path `destination`, whole and verified, or not at all.

        `progress` gets the number of bytes that are on disk, which never falls. An interrupted
        transfer, by Ctrl-C, a kill or an error, leaves `destination` + `.part`, which the next
        call continues; so does one for a destination `elsewhere`, if the content is the same. A
        file that is there already and right is returned without a connection.

        Raises AccessDenied, UnknownModel, NetworkError, OfflineError, DiskError, IntegrityError.
        """
        source = self._source(listing, file)
        progress = _rising(progress)
        if there := whole(destination, file, progress):
            return there
        self._require_connection(file.path)
        with folder_for(destination), self._alone_at(destination):
            if there := whole(destination, file, progress):
                return there  # another process fetched it while this one waited
            if destination.exists():
                self.remark(f"{destination} is not the published file; replacing it")
            with Part(listing, file, destination) as part:
                self._look(part, elsewhere)
                part.open(progress)
                return self._complete(part, source, progress)

    def require_room(self, files: Iterable[tuple[RemoteFile, Path, Sequence[Path]]]) -> None:
        """Raise DiskError unless the disk has room for all of these files together, each with its
        destination and where else it may have been begun."""
        wanted = list(files)
        with on_disk(wanted[0][1]):
            missing = sum(missing_room(*one) for one in wanted)
            if missing:
                require_space(wanted[0][1].parent, missing)

    def repair(
        self,
        listing: Listing,
        file: RemoteFile,
        path: Path,
        ranges: Sequence[range],
        *,
        progress: Callable[[int], None] = ignore,
    ) -> Fetched:
        """Replace a file of which these ranges of bytes have rotted, fetching only them.

        A copy beside it is mended and verified, which takes as much room for the while; the file
        keeps its place until then. Raises what `fetch` raises.
        """
        source = self._source(listing, file)
        progress = _rising(progress)
        self._require_connection(file.path)
        with self._alone_at(path), Part(listing, file, path) as part:
            part.adopt(path, ranges, progress)
            return self._complete(part, source, progress)

    def _source(self, listing: Listing, file: RemoteFile) -> Source:
        if file.sha256 is None:
            raise IntegrityError(
                f"{listing.repository} publishes no sha256 for {file.path} to check it by",
                remedy="Download it by hand if you trust it, and name its path.",
            )
        return Source(self.endpoint, listing, file, self.patience.timeout)

    def _complete(self, part: Part, source: Source, progress: Callable[[int], None]) -> Fetched:
        retries = Retries(self.patience, self.remark)
        fill(part, source, retries, progress)
        if part.found() != part.sha256:
            mend(part, source, retries, progress)
        return part.publish()

    def _look(self, part: Part, elsewhere: Iterable[Path]) -> None:
        """Take over what was begun for another destination, unless someone is at it."""
        from filelock import Timeout

        for other in elsewhere:
            if not part.path.exists() and begun(other):
                with suppress(Timeout), self._alone_at(other, wait=False):
                    take_over(part, other)

    def search(self, words: str, *, sort: str = "downloads", limit: int = 20) -> list[Found]:
        """GGUF repositories whose names hold `words`, at most `limit`, sorted by
        downloads, likes, updated or trending.

        Raises AccessDenied, NetworkError, OfflineError.
        """
        self._require_connection(f"what the Hub has of {words!r}")
        return self._patiently(
            lambda: search(self.endpoint, words, sort, limit, self.patience.timeout)
        )

    def dataset_file(self, wanted: DatasetFile) -> FetchedTask:
        """A file of a data set, whole and verified by what the Hub lists of it. One that was
        fetched at the wanted commit before is given without a connection.

        Raises UnknownTask, AccessDenied, NetworkError, OfflineError, IntegrityError, DiskError.
        """
        if (found := kept(wanted)) is not None:
            return found
        self._require_connection(wanted.file)
        return self._patiently(lambda: fetch(self.endpoint, wanted, self.patience.timeout))

    def headers(
        self,
        listing: Listing,
        files: Sequence[RemoteFile],
        *,
        progress: Callable[[int], None] = ignore,
    ) -> dict[RemoteFile, Header]:
        """The GGUF headers of files of a repository, without the rest, several at a time; of the
        first part of a split model, with the tensors of all its parts. Quantizations of one model
        share most of theirs, which is read once. What was read is kept, and given without a
        connection. `progress` gets the number of bytes that were read so far.

        A file that is no model is left out, and `remark` is told why. Raises BadModelFile where
        none of them is one, AccessDenied, UnknownModel, NetworkError, OfflineError.
        """
        found = self._headers.several(listing, files, self._reader(progress))
        headers = {
            file: header
            for file, header in zip(files, found, strict=True)
            if isinstance(header, Header)
        }
        for file, header in zip(files, found, strict=True):
            if isinstance(header, BadModelFile):
                if not headers:
                    raise header
                self.remark(f"{file.path} is left out: {header.message}")
        return headers

    def header_file(
        self, listing: Listing, file: RemoteFile, *, progress: Callable[[int], None] = ignore
    ) -> Path:
        """A file on this disk as long as the remote one that takes no room beyond its header: what
        llama.cpp needs to plan without weights. Parts of a split model lie beside the first.

        Raises what `headers` does, and DiskError.
        """
        return self._headers.path(listing, file, self._reader(progress))

    @cached_property
    def _headers(self) -> Headers:
        return Headers(cache_directory() / "headers")

    def _reader(self, progress: Callable[[int], None]) -> Read:
        """What reads a file's bytes from one position up to another, and counts them all."""
        sources: dict[str, Source] = {}
        done, counting = 0, Lock()

        def read(listing: Listing, file: RemoteFile, start: int, end: int) -> bytes:
            nonlocal done
            self._require_connection(file.path)
            fresh = Source(self.endpoint, listing, file, self.patience.timeout)
            source = sources.setdefault(file.path, fresh)
            data = self._patiently(lambda: read_range(source, range(start, end)))
            with counting:
                done += len(data)
                progress(done)
            return data

        return read

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask for something small, a few times where that fails."""
        patience = replace(self.patience, attempts=min(self.patience.attempts, LISTING_ATTEMPTS))
        return patiently(ask, patience, self.remark)

    def _require_connection(self, what: str) -> None:
        if self.offline:
            raise OfflineError(
                f"{what} would have to be fetched, and offline mode forbids it",
                remedy="Leave out --offline, or use a model that is already here.",
            )

    @contextmanager
    def _alone_at(self, destination: Path, *, wait: bool = True) -> Iterator[None]:
        """Hold the lock of a destination, so that no two processes write one part. Raises
        filelock.Timeout if another process holds it and there is to be no wait."""
        from filelock import FileLock, Timeout

        lock = FileLock(destination.with_name(destination.name + ".part.lock"))
        with on_disk(destination):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if not wait:
                    raise
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


def _rising(progress: Callable[[int], None]) -> Callable[[int], None]:
    """`progress`, told only of what is more than before."""
    most = 0

    def told(done: int) -> None:
        nonlocal most
        most = max(most, done)
        progress(most)

    return told


@contextmanager
def _expecting_listing(endpoint: str) -> Iterator[None]:
    """Turn an answer that is no listing at all into Transient."""
    try:
        yield
    except (JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise Transient(f"{endpoint} did not answer as a Hub does", remedy=PORTAL) from error
