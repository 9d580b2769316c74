"""A file of a data set on the Hub: fetched where it is asked for, at one commit, and verified."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from runner.errors import IntegrityError, UnknownTask
from runner.hub.listing import licence_of
from runner.hub.problems import translated
from runner.hub.retry import Transient
from runner.paths import data_directory
from runner.whole import write_whole_bytes

LARGEST = 2**28
"""Bytes of a file of questions at most: it is read into memory."""

_REFERENCE = re.compile(
    r"(?:https?://)?(?:hf\.co|huggingface\.co)/datasets/"
    r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)/"
    r"(?:(?:blob|resolve)/(?P<revision>[^/@]+)/)?(?P<file>[^@?#]+?)(?:@(?P<commit>[\w.-]+))?"
)


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A file in a data set; `revision` is a commit, branch or tag, None for the default branch."""

    repository: str
    file: str
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class FetchedTask:
    """Where it lies, what to type for this very file again, and its licence as the card says."""

    path: Path
    reference: str
    licence: str


def parse(text: str) -> DatasetFile:
    """What `hf.co/datasets/OWNER/NAME/FILE[@REVISION]`, or the address of a file in a browser,
    names. Raises UnknownTask."""
    found = _REFERENCE.fullmatch(text.strip())
    file = unquote(found["file"]) if found else ""
    # It becomes a path on this disk.
    if found is None or any(part in ("", ".", "..") for part in re.split(r"[/\\]", file)):
        raise UnknownTask(
            f"{text} names no file of a data set",
            remedy="Write hf.co/datasets/OWNER/NAME/FILE, with @COMMIT to pin it.",
        )
    return DatasetFile(found["repository"], file, found["commit"] or found["revision"])


def kept(wanted: DatasetFile) -> FetchedTask | None:
    """The file, if it is wanted at a commit and was fetched at that before."""
    return _kept(wanted, wanted.revision) if wanted.revision else None


def _place(wanted: DatasetFile, commit: str) -> Path:
    folder = data_directory() / "datasets" / wanted.repository.replace("/", "--") / commit
    return folder.joinpath(*wanted.file.split("/"))


def _kept(wanted: DatasetFile, commit: str) -> FetchedTask | None:
    path = _place(wanted, commit)
    if not re.fullmatch("[0-9a-f]{40}", commit) or not path.is_file():
        return None
    licence = path.with_name(path.name + ".licence")
    said = licence.read_text(encoding="utf-8") if licence.is_file() else ""
    return FetchedTask(path, _reference(wanted, commit), said)


def _reference(wanted: DatasetFile, commit: str) -> str:
    return f"hf.co/datasets/{wanted.repository}/{quote(wanted.file)}@{commit}"


def fetch(endpoint: str, wanted: DatasetFile, timeout: float) -> FetchedTask:
    """Ask the Hub at `endpoint` for the file, once. Raises Transient, UnknownTask, AccessDenied,
    IntegrityError, DiskError."""
    what = f"{wanted.file} of the data set {wanted.repository}"
    from runner import __version__
    from runner.hub import stack

    api = stack.HfApi(endpoint=endpoint, library_name="runner", library_version=__version__)
    with translated(endpoint, wanted.repository, what):
        info = api.dataset_info(
            wanted.repository,
            revision=wanted.revision,
            files_metadata=True,
            timeout=timeout,
        )
    siblings = info.siblings or ()
    file = next((one for one in siblings if one.rfilename == wanted.file), None)
    if file is None or info.sha is None:
        names = [one.rfilename for one in siblings if not one.rfilename.startswith(".")]
        raise UnknownTask(f"there is no {what}", remedy=f"It has {', '.join(names[:12])}.")
    if (found := _kept(wanted, info.sha)) is not None:
        return found
    if (file.size or 0) > LARGEST:
        raise UnknownTask(f"{what} has {file.size} bytes, too many for a file of questions")
    data = _download(endpoint, wanted, info.sha, timeout)
    sha256 = file.lfs.sha256 if file.lfs else None
    digest = hashlib.sha256(data).hexdigest() if sha256 else _git_hash(data)
    if digest != (sha256 or file.blob_id):
        raise IntegrityError(
            f"{what} is not what the Hub lists: its hash is {digest}",
            remedy="Run the command again; if it stays so, something between alters what comes.",
        )
    path, licence = _place(wanted, info.sha), licence_of(info.card_data) or ""
    write_whole_bytes(path.with_name(path.name + ".licence"), licence.encode())
    write_whole_bytes(path, data)
    return FetchedTask(path, _reference(wanted, info.sha), licence)


def _download(endpoint: str, wanted: DatasetFile, commit: str, timeout: float) -> bytes:
    from runner import __version__
    from runner.hub import stack

    url = stack.hf_hub_url(
        wanted.repository,
        wanted.file,
        repo_type="dataset",
        revision=commit,
        endpoint=endpoint,
    )
    headers = stack.build_hf_headers(library_name="runner", library_version=__version__)
    with translated(endpoint, wanted.repository, wanted.file):
        session = stack.get_session()
        # The client drops the token when it follows a redirect to another host.
        answer = session.get(url, headers=headers, timeout=timeout, follow_redirects=True)
        if answer.is_error:
            stack.hf_raise_for_status(answer)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise Transient("a web page came instead of the file")
        return bytes(answer.content)


def _git_hash(data: bytes) -> str:
    """What git calls these bytes: the sha1 of a header and them."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
