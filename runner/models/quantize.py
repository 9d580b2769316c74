"""Making a smaller file of a model: checked before, made under another name, tried and renamed."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ConfigurationError, DiskError
from runner.gguf import PART, Header, read_header, read_whole_header
from runner.library import Library, Record, StoredFile
from runner.models.find import Located, context_of, locate
from runner.models.hashing import hashed
from runner.paths import data_directory
from runner.pieces import Hashed

if TYPE_CHECKING:
    from runner.llama.quantize import Task

SPARE = 2**28  # bytes of disk to leave free
LARGEST_MEMORY = 2**33  # bytes that the quantizer may hold; its own default
WHOLE = re.compile(r"[FIB]+\d+")
"""Types of tensors that are no quantization: F32, BF16, I8…"""
DIGEST = re.compile(r"sha256-[0-9a-f]{64}")
"""How Ollama names files, which says nothing to a person."""

MakeProgress = Callable[[str, int, int], None]
"""Called with what goes on ("making", "checking"), the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was made here: of which model (`source`, as it is called), as which kind.

    `made_from` says it in words, with the source's sha256 where that is known.
    """

    path: Path
    source: str
    kind: str
    bytes: int
    sha256: str
    made_from: str


def quantize(
    text: str,
    kind: str,
    *,
    out: Path | None = None,
    threads: int | None = None,
    requantize: bool = False,
    imatrix: Path | None = None,
    folders: Sequence[str] = (),
    progress: MakeProgress = lambda *_: None,
    remark: Callable[[str], None] = lambda _: None,
) -> Made:
    """Make a `kind` of the model that `text` names, at `out` or where `place` says.
    `folders` are the user's own, to be looked through too.

    Raises what `locate` raises; ConfigurationError for what makes no sense; BadModelFile where
    llama.cpp cannot read the source or the result; DiskError, DoesNotFit.
    """
    from runner import machine
    from runner.llama.library import PINNED_VERSION
    from runner.llama.quantize import Task

    located = locate(text, folders)
    kind = _known(kind)
    header = read_whole_header(located.path)
    _refuse_requantizing(located, header, requantize)
    target = (out or place(located, kind)).absolute()
    made_from = _made_from(located)
    task = Task(
        source=str(located.path),
        kind=kind,
        threads=threads or machine.processors().usable,
        memory=min(LARGEST_MEMORY, machine.memory().available // 2),
        requantize=requantize,
        imatrix=str(imatrix) if imatrix else None,
        notes={
            "general.quantized_by": "Runner",
            "runner.made_from": located.name,
            "runner.made_from_sha256": _sha256(located) or "unknown",
            "runner.made_by": f"llama-cpp-python {PINNED_VERSION}",
        },
    )
    expected = _expected(task, header, remark)
    with _under_another_name(target, expected) as temporary:
        _make(task, temporary, expected, progress)
        found = _finish(temporary, progress)
    made = Made(target, located.name, kind, target.stat().st_size, found.sha256, made_from)
    _record(made, located, found)
    return made


def _record(made: Made, located: Located, found: Hashed) -> None:
    """Keep where it came from. What was made of a recorded model goes by that model's name, with
    the other quantization; anything else by its path."""
    about = located.record
    record = Record(
        name=about.name if about else str(made.path),
        repository="",
        commit="",
        quantization=made.kind,
        files=(StoredFile(made.path, made.path.name, made.bytes, made.sha256, found.pieces),),
        fetched_at=datetime.now(UTC),
        context=context_of(made.path),
        licence=about.licence if about else None,
        licence_link=about.licence_link if about else None,
        made_from=made.made_from,
    )
    Library().add(record)


def place(located: Located, kind: str) -> Path:
    """Where the file belongs: beside a file that was named by its path, else among Runner's own,
    under the source's name with the other quantization. Folders of other programs stay theirs."""
    stem = PART.sub("", located.path.stem)
    if DIGEST.fullmatch(stem):
        called = located.name.removeprefix("ollama:").rpartition("/")[2]
        stem = re.sub(r"[^\w.+-]+", "-", called)
    old = located.quantization
    named = re.sub(re.escape(old), kind, stem, count=1, flags=re.IGNORECASE) if old else stem
    if named == stem:
        named = f"{stem}-{kind}"
    by_path = located.record is None and located.entry is None and located.found is None
    folder = located.path.parent if by_path else data_directory() / "made"
    return folder / f"{named}.gguf"


def _known(kind: str) -> str:
    """The kind as llama.cpp spells it."""
    from runner.llama.quantize import kinds

    if kind.upper() not in kinds():
        raise ConfigurationError(
            f"llama.cpp makes no {kind}", remedy=f"It makes {', '.join(sorted(kinds()))}."
        )
    return kind.upper()


def _refuse_requantizing(located: Located, header: Header, allowed: bool) -> None:
    quantized = {tensor.type for tensor in header.tensors if not WHOLE.fullmatch(tensor.type)}
    if quantized and not allowed:
        raise ConfigurationError(
            f"{located.name} is quantized already ({', '.join(sorted(quantized))}): what that lost "
            "stays lost, and making it smaller loses more than from the original",
            remedy="Take its F16 or BF16 file, or say --requantize.",
        )


def _made_from(located: Located) -> str:
    sha256 = _sha256(located)
    return f"{located.name} (sha256 {sha256})" if sha256 else str(located.path.absolute())


def _sha256(located: Located) -> str | None:
    return located.record.sha256 if located.record else None


def _expected(task: "Task", header: Header, remark: Callable[[str], None]) -> int:
    """How many bytes the file will have, as near as llama.cpp says it."""
    from runner.llama.quantize import ROUNDING, estimate

    found = estimate(task)
    if found.needs_imatrix and not task.imatrix:
        raise ConfigurationError(
            f"a {task.kind} needs an importance matrix: with so few bits, and without knowing "
            "which weights matter, it would write garbage",
            remedy="Give --imatrix FILE (some repositories publish one), or choose Q3_K_S, IQ4_XS "
            "or a larger kind.",
        )
    if found.unfitting:
        remark(
            f"{found.unfitting} of {len(header.tensors)} tensors have rows that {task.kind} cannot "
            "hold; they become a larger kind"
        )
    expected = header.data_offset + found.bytes
    if found.bytes >= header.weight_bytes - ROUNDING:
        remark(f"as {task.kind} it is no smaller than {Path(task.source).name}")
    return expected


@contextmanager
def _under_another_name(target: Path, expected: int) -> Iterator[Path]:
    """A name beside `target` that becomes it when the block ends well, and is deleted otherwise."""
    from runner import machine

    temporary = target.with_name(f"{target.name}.making")
    try:
        if target.exists():
            raise ConfigurationError(
                f"{target} exists", remedy="Name another with --out, or delete it first."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        if machine.free_disk(target.parent) < expected + SPARE:
            raise DiskError(
                f"{expected / 1e9:.2f} GB are needed in {target.parent}, and "
                f"{machine.free_disk(target.parent) / 1e9:.2f} GB are free",
                remedy="Make room, or choose another disk with --out.",
            )
        try:
            temporary.open("xb").close()
        except FileExistsError:
            raise ConfigurationError(
                f"{temporary} exists: it is being made, or that was cut off",
                remedy="Delete it if nothing makes it any more.",
            ) from None
    except OSError as error:
        raise DiskError(f"cannot write {target}: {error.strerror or error}") from error
    try:
        yield temporary
        _publish(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _make(task: "Task", temporary: Path, expected: int, progress: MakeProgress) -> None:
    from runner.llama.quantize import quantize as quantize_file

    quantize_file(task, temporary, lambda done: progress("making", min(done, expected), expected))


def _finish(temporary: Path, progress: MakeProgress) -> Hashed:
    """Prove that the file is whole and computes; its hashes."""
    from runner.llama.probe import probe

    size = temporary.stat().st_size
    progress("checking", 0, size)
    read_header(temporary)
    probe(temporary, weights=True)
    return hashed(temporary, lambda done: progress("checking", done, size))


def _publish(temporary: Path, target: Path) -> None:
    """Rename, so that the whole file survives a power cut or nothing does."""
    from runner.hub.disk import sync

    try:
        sync(temporary)
        temporary.replace(target)
        sync(target.parent)
    except OSError as error:
        raise DiskError(f"cannot write {target}: {error.strerror or error}") from error
