"""Headers of files on the Hub that were read once, kept on this disk.

Each has a folder of its own under a key that stands for the file's content. A header read whole is
`model.gguf`: a sparse file of the true length, which llama.cpp can plan with. One that shares its
vocabulary with another is `shared`: a line of JSON that says with which, and the bytes of its own.
"""

import hashlib
import json
import mmap
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from runner.errors import BadModelFile
from runner.gguf import Header, NeedsMore, read_layout
from runner.hub.alike import Seam, Template, Unlike, join
from runner.hub.listing import Listing, RemoteFile
from runner.hub.sparse import write_sparse

MOST_KEPT = 100
"""Folders: some megabytes where a header was read whole, a tenth of one elsewhere."""

WHOLE = "model.gguf"
SHARED = "shared"


def key_of(listing: Listing, file: RemoteFile) -> str:
    """What stands for a file's content: its sha256, else its commit and path."""
    if file.sha256:
        return file.sha256
    place = f"{listing.repository}\n{listing.commit}\n{file.path}"
    return hashlib.sha256(place.encode()).hexdigest()


class HeaderCache:
    """The headers kept in `folder`. What cannot be read counts as absent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._templates: dict[str, Template] = {}

    def place(self, key: str, name: str = WHOLE) -> Path:
        return self.folder / key[:32] / name

    def whole(self, key: str) -> Template | None:
        """A header that was read whole."""
        if key not in self._templates:
            with suppress(OSError, ValueError, BadModelFile, NeedsMore):
                self._templates[key] = _read(self.place(key))
        return self._templates.get(key)

    def keep_whole(self, key: str, template: Template, size: int) -> None:
        """Keep a header read whole of a file of `size` bytes. A disk that refuses is no matter."""
        self._templates[key] = template
        with suppress(OSError):
            write_sparse(self.place(key), template.data, size)
            self._forget_oldest()

    def header(self, key: str, size: int) -> Header | None:
        """The header of a file of `size` bytes, in whichever way it is kept."""
        if template := self.whole(key):
            return template.header if template.header.file_bytes == size else None
        if (shared := self._shared(key)) is None:
            return None
        template, seam, front, tail = shared
        with suppress(Unlike, NeedsMore, BadModelFile):
            return join(template, seam, front, tail, size)[0]
        return None

    def data(self, key: str) -> bytes | None:
        """The bytes of a header, in whichever way it is kept."""
        if template := self.whole(key):
            return template.data
        if (shared := self._shared(key)) is None:
            return None
        template, seam, front, tail = shared
        return front + template.data[seam.start : seam.stop] + tail

    def keep_shared(self, key: str, like: str, seam: Seam, front: bytes, tail: bytes) -> None:
        """Keep what a header does not share with the one kept under `like`."""
        about = json.dumps({"like": like, "seam": asdict(seam)}).encode() + b"\n"
        place = self.place(key, SHARED)
        with suppress(OSError):
            write_sparse(place, about + front[: seam.own] + tail, len(about) + seam.own + len(tail))
            self._forget_oldest()

    def _shared(self, key: str) -> tuple[Template, Seam, bytes, bytes] | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            about, _, data = self.place(key, SHARED).read_bytes().partition(b"\n")
            facts = json.loads(about)
            seam = Seam(**facts["seam"])
            if template := self.whole(str(facts["like"])):
                return template, seam, data[: seam.own], data[seam.own :]
        return None

    def _forget_oldest(self) -> None:
        folders = [path for path in self.folder.iterdir() if path.is_dir()]
        if len(folders) > MOST_KEPT:
            folders.sort(key=lambda path: path.stat().st_mtime)
            for path in folders[: MOST_KEPT // 2]:
                shutil.rmtree(path, ignore_errors=True)


def _read(path: Path) -> Template:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        header, pairs, end = read_layout(data, len(data), path.name)
        return Template(data[:end], header, pairs, end)
