"""The headers of GGUF files on the Hub, read from their first megabytes by range requests.

A header tells all that decides how a model fits a machine. The first file of a repository is read
until its header is whole; of further ones only what is their own (see alike.py).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from runner.errors import BadModelFile, DiskError
from runner.gguf import PART, Header, NeedsMore, checked, read_layout
from runner.hub.abreast import abreast
from runner.hub.alike import FRONT, Template, Unlike, join, rest, seam
from runner.hub.choose import parts_of
from runner.hub.header_cache import HeaderCache, key_of
from runner.hub.listing import Listing, RemoteFile
from runner.hub.sparse import write_sparse

WINDOW = 2 << 20
"""Bytes asked for first of a header. As many as there are come next, until they hold it …"""
LARGEST_WINDOW = 4 << 20
"""… and never more at a time: a line that breaks often brings this much between two breaks."""
SMALL_WINDOW = 64 << 10
"""The same for a later part of a split model, which holds no vocabulary."""
LARGEST = 64 << 20
"""Bytes beyond which a header is taken for damaged; the largest known are below 30 MB."""
LONGEST_REST = 1 << 20
"""Bytes beyond which what follows a vocabulary is not taken for the rest of a header."""
AT_ONCE = 8
"""Files read at a time."""

Read = Callable[[Listing, RemoteFile, int, int], bytes]
"""Gives the bytes of a file from one position up to another, or raises a RunnerError."""


class Headers:
    """The headers of files on one Hub, kept in `folder`. `read` makes the requests."""

    def __init__(self, folder: Path) -> None:
        self._cache = HeaderCache(folder)
        self._lock = threading.Lock()

    def several(
        self, listing: Listing, files: Sequence[RemoteFile], read: Read
    ) -> list[Header | BadModelFile]:
        """The header of each file, or why it has none, in their order. Raises what `read` does."""

        def ask(file: RemoteFile) -> Header | BadModelFile:
            try:
                return self.one(listing, file, read)
            except BadModelFile as error:
                return error

        # The first alone: the others share its vocabulary.
        first = [ask(file) for file in files[:1]]
        errands = [lambda file=file: ask(file) for file in files[1:]]
        return [*first, *abreast(errands, AT_ONCE)]

    def one(self, listing: Listing, file: RemoteFile, read: Read) -> Header:
        """The header of a file; of the first part of a split model, with the tensors of all parts.

        Raises BadModelFile, and what `read` does.
        """
        parts = parts_of(listing, file.path)
        if file != parts[0]:
            return self._header(listing, file, read, model=False)
        header = self._header(listing, file, read)
        if len(parts) == 1:
            return header
        errands = [
            lambda part=part: self._header(listing, part, read, model=False) for part in parts[1:]
        ]
        others = abreast(errands, AT_ONCE)
        tensors = (tensor for part in (header, *others) for tensor in part.tensors)
        return replace(header, tensors=tuple(tensors))

    def path(self, listing: Listing, file: RemoteFile, read: Read) -> Path:
        """A file on this disk of the true length that holds the header and no weights, with those
        of the other parts beside it where the model is split. Raises DiskError besides."""
        self.one(listing, file, read)
        parts = parts_of(listing, file.path)
        paths = [self._cache.place(key_of(listing, parts[0]), _name(part.path)) for part in parts]
        for part, path in zip(parts, paths, strict=True):
            try:
                if path.exists() and path.stat().st_size == part.bytes:
                    continue
                if (data := self._cache.data(key_of(listing, part))) is None:
                    raise OSError("it cannot be kept")
                write_sparse(path, data, part.bytes)
            except OSError as error:
                raise DiskError(f"cannot write {path}: {error.strerror or error}") from error
        return paths[parts.index(file)]

    def _header(
        self, listing: Listing, file: RemoteFile, read: Read, *, model: bool = True
    ) -> Header:
        """The header of this very file: kept, or else read."""
        key = key_of(listing, file)
        with self._lock:
            kept = self._cache.header(key, file.bytes)
            like, template = self._template(listing) if model and not kept else ("", None)
        if kept is not None:
            return kept
        joined = self._joined(listing, file, read, like, template) if template else None
        return joined or self._whole(listing, file, read, model)

    def _template(self, listing: Listing) -> tuple[str, Template | None]:
        """A header of this repository that was read whole, and its key."""
        for file in listing.files:
            if file.path.lower().endswith(".gguf") and not _is_later_part(file.path):
                key = key_of(listing, file)
                if template := self._cache.whole(key):
                    return key, template
        return "", None

    def _joined(
        self, listing: Listing, file: RemoteFile, read: Read, like: str, template: Template
    ) -> Header | None:
        """The header of a file that shares the template's vocabulary; None where it does not."""
        if file.bytes <= FRONT:
            return None
        front = read(listing, file, 0, FRONT)
        try:
            place = seam(template, front, file.bytes, file.path)
            tail, step = b"", rest(template, place)
            while len(tail) < LONGEST_REST:
                start = place.resumes + len(tail)
                if start >= file.bytes:
                    return None
                tail += read(listing, file, start, min(start + step, file.bytes))
                try:
                    header, used = join(template, place, front, tail, file.bytes)
                except NeedsMore:
                    continue
                checked(header, file.path)
                key = key_of(listing, file)
                self._cache.keep_shared(key, like, place, front, tail[:used])
                return header
            return None
        except Unlike:
            return None

    def _whole(self, listing: Listing, file: RemoteFile, read: Read, model: bool) -> Header:
        """The header of a file of which nothing is known yet."""
        data, window = b"", WINDOW if model else SMALL_WINDOW
        while True:
            try:
                header, pairs, stop = read_layout(data, file.bytes, file.path)
                break
            except NeedsMore as more:
                if more.bytes > LARGEST:
                    raise BadModelFile(f"the header of {file.path} has no end") from None
            step = min(max(len(data), window), LARGEST_WINDOW)
            data += read(listing, file, len(data), min(len(data) + step, file.bytes))
        checked(header, file.path, model=model)
        with self._lock:
            template = Template(data[:stop], header, pairs, stop)
            self._cache.keep_whole(key_of(listing, file), template, file.bytes)
        return header


def _name(path: str) -> str:
    """The name of a header's file on this disk: llama.cpp finds the parts of a model by theirs."""
    split = PART.search(path.rpartition(".")[0])
    return f"model{split[0].lower()}.gguf" if split else "model.gguf"


def _is_later_part(path: str) -> bool:
    split = PART.search(path.rpartition(".")[0])
    return split is not None and int(split[1]) > 1
