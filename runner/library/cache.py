"""The Hugging Face cache: the folder of models that Runner shares with llama.cpp and other tools.

    models--org--name/blobs/<sha256>                    the bytes
    models--org--name/snapshots/<commit>/<file>         a link to them, ../../blobs/<sha256>
    models--org--name/refs/<revision>                   the commit that a branch was last seen at

Where the system makes no links (Windows without its developer mode), the file itself lies in the
snapshot.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.errors import DiskError, UnknownModel
from runner.library.names import safe_path

FOLDER = "models--"
SHA256 = re.compile(r"[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")
REVISION = re.compile(r"(?!.*\.\.)[\w.-]+(?:/[\w.-]+)*")
OWN_REF = "runner-"
"""Begins the name of a ref to a commit that was asked for by itself. llama.cpp finds only what a
ref names, and `hf cache prune` deletes what none does."""


def cache_folder() -> Path:
    """Where the cache lies, by the variables that huggingface_hub and llama.cpp read."""
    for name, inside in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if value := os.environ.get(name):
            return Path(os.path.expandvars(value)).expanduser() / inside
    return Path.home() / ".cache" / "huggingface" / "hub"


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A GGUF in the cache, whoever fetched it: `path` is its place in a snapshot."""

    repository: str
    commit: str
    file: str
    path: Path

    @property
    def sha256(self) -> str | None:
        """What its blob is named after, where it has one."""
        name = _target(self.path).name
        return name if SHA256.fullmatch(name) else None


class Cache:
    """The cache at `root`. Methods that write raise DiskError; names are checked (UnknownModel)."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else cache_folder()

    def folder(self, repository: str) -> Path:
        """Where a repository's files lie."""
        safe_path(repository, "any.gguf")
        return self.root / (FOLDER + repository.replace("/", "--"))

    def blob(self, repository: str, sha256: str) -> Path:
        """Where the bytes of this sha256 belong."""
        if not SHA256.fullmatch(sha256):
            raise UnknownModel(f"{repository} publishes {sha256[:80]!r}, which is no sha256")
        return self.folder(repository) / "blobs" / sha256

    def snapshot(self, repository: str, commit: str, file: str) -> Path:
        """Where a file is at a commit."""
        if not COMMIT.fullmatch(commit):
            raise UnknownModel(f"{repository} is at {commit[:80]!r}, which is no commit")
        inside = safe_path(repository, file).relative_to(repository)
        return self.folder(repository) / "snapshots" / commit / inside

    def place(
        self, repository: str, commit: str, file: str, sha256: str, revision: str | None = None
    ) -> Path:
        """Give the blob of this sha256 its name at a commit; the path of that.

        `revision` is the branch or tag that the commit was asked for by, None for the commit
        itself.
        """
        blob, path = self.blob(repository, sha256), self.snapshot(repository, commit, file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if blob.exists() and not (path.exists() and path.samefile(blob)):
                _link(blob, path)
            self._refer(repository, commit, revision)
        except OSError as error:
            raise DiskError(f"{path}: {error.strerror or error}") from error
        return path

    def _refer(self, repository: str, commit: str, revision: str | None) -> None:
        refs = self.folder(repository) / "refs"
        if revision is None or revision == commit:
            if any(known == commit for _, known in self._refs(repository)):
                return
            revision = OWN_REF + commit[:12]
        if REVISION.fullmatch(revision):
            ref = refs / revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(commit, encoding="ascii")

    def commit_of(self, repository: str, revision: str) -> str | None:
        """The commit that a branch or tag was last seen at."""
        if REVISION.fullmatch(revision):
            for ref, commit in self._refs(repository):
                if ref == self.folder(repository) / "refs" / revision:
                    return commit
        return None

    def _refs(self, repository: str) -> Iterator[tuple[Path, str]]:
        for ref in _files(self.folder(repository) / "refs"):
            with suppress(OSError, ValueError):
                yield ref, ref.read_text(encoding="ascii").strip()

    def repositories(self) -> list[str]:
        """Those that the cache has folders of."""
        names = []
        for folder in _entries(self.root):
            name = folder.name.removeprefix(FOLDER).replace("--", "/")
            if folder.name.startswith(FOLDER) and name.count("/") == 1 and _is_safe(name):
                names.append(name)
        return names

    def files(self, repository: str) -> list[CachedFile]:
        """The GGUFs of a repository at all commits; links to nothing and strange names are not
        among them. The repository's name may be in either case of letters."""
        found = []
        for name in self._spelt(repository):
            for commit in _entries(self.folder(name) / "snapshots"):
                for path in _files(commit):
                    file = path.relative_to(commit).as_posix()
                    if COMMIT.fullmatch(commit.name) and _is_safe(name, file) and path.is_file():
                        found.append(CachedFile(name, commit.name, file, path))
        return found

    def _spelt(self, repository: str) -> list[str]:
        """A repository's name as the cache has it, in whichever case of letters."""
        if self.folder(repository).is_dir():
            return [repository]
        return [name for name in self.repositories() if name.lower() == repository.lower()]

    def broken_links(self, repository: str) -> Iterator[tuple[Path, Path]]:
        """Links of snapshots to blobs that are not there, and those blobs."""
        for path in _files(self.folder(repository) / "snapshots"):
            if path.is_symlink() and not path.exists():
                yield path, _target(path)

    def is_linked(self, blob: Path) -> bool:
        """Whether any snapshot of its repository uses a blob."""
        snapshots = blob.parent.parent / "snapshots"
        return any(path.is_symlink() and _target(path) == blob for path in _files(snapshots))

    def remove(self, path: Path) -> int:
        """Delete a file of a snapshot, its blob unless another snapshot uses that, and what is
        empty then; the bytes that were freed. A file that is gone already frees nothing."""
        blob = _target(path) if path.is_symlink() else path
        freed = 0
        if path != blob:
            delete(path)
        if path == blob or not self.is_linked(blob):
            freed = delete(blob)
        self.tidy(path.parent)
        return freed

    def tidy(self, folder: Path) -> None:
        """Remove `folder` and those above it that are empty, and refs to snapshots that are gone.

        Does nothing outside a repository's folder in the cache.
        """
        if not folder.is_relative_to(self.root) or folder == self.root:
            return
        top = self.root / folder.relative_to(self.root).parts[0]
        if not top.name.startswith(FOLDER):
            return
        for empty in (folder, top / "blobs"):
            _remove_empty(empty, top)
        for ref in list(_files(top / "refs")):
            with suppress(OSError, ValueError):
                commit = ref.read_text(encoding="ascii").strip()
                if COMMIT.fullmatch(commit) and not (top / "snapshots" / commit).is_dir():
                    ref.unlink()
                    _remove_empty(ref.parent, top)
        _remove_empty(top, self.root)


def delete(path: Path) -> int:
    """Delete a file that may not be there; its bytes. Raises DiskError, for one while another
    program on Windows has the file open."""
    try:
        size = path.lstat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise DiskError(
            f"cannot delete {path}: {error.strerror or error}",
            remedy="Close the program that uses it, and try again.",
        ) from error
    return size


def _link(blob: Path, path: Path) -> None:
    """Make `path` a link to the blob, or move the blob there where there are no links."""
    fresh = path.with_name(f".{path.name[:200]}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        if os.environ.get("HF_HUB_DISABLE_SYMLINKS", "").upper() in ("1", "ON", "YES", "TRUE"):
            raise NotImplementedError
        fresh.symlink_to(os.path.relpath(blob, path.parent))
    except (OSError, NotImplementedError):
        blob.replace(path)
    else:
        fresh.replace(path)


def _target(path: Path) -> Path:
    """What a link of a snapshot points to, one step only: a blob may itself be a link, into
    huggingface_hub's store of what repositories share."""
    try:
        return Path(os.path.normpath(path.parent / path.readlink()))
    except OSError:
        return path


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove `folder` and those above it below `top`, as far as they are empty."""
    with suppress(OSError):
        while folder != top and folder.is_relative_to(top):
            folder.rmdir()
            folder = folder.parent


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, sorted; nothing where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _files(folder: Path) -> Iterator[Path]:
    """The files and links under a folder, sorted, without following links to folders."""
    for path in _entries(folder):
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path


def _is_safe(repository: str, file: str = "any.gguf") -> bool:
    try:
        safe_path(repository, file)
    except UnknownModel:
        return False
    return True
