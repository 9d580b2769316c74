"""Makes a model smaller with llama.cpp's own quantizer.

It offers neither progress nor cancel, and aborts the process over some files. So it runs in a child
process, which is this very module: the child can be ended at any moment, and ends by itself when
its parent does. How far it is, its parent sees by the size of the file that it writes.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runner import errors
from runner.errors import BadModelFile, ConfigurationError, DiskError, DoesNotFit, RunnerError
from runner.llama import library
from runner.llama.child import crash
from runner.llama.imatrix import read_imatrix
from runner.llama.library import llama_cpp

STEP = 0.1  # seconds between two looks at the size
ROUNDING = 2**20 // 100  # bytes by which an estimate may be wrong: a hundredth of a MiB
TEXT = 3  # LLAMA_KV_OVERRIDE_TYPE_STR
LONGEST_TEXT = 127  # bytes of a text, and of its key
PREFIX = re.compile("LLAMA_FTYPE_(?:MOSTLY|ALL)_(.+)")
UNMADE = "NVFP4"  # it has a number, and the quantizer refuses it


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be made: `source` (the first file of a split model) as `kind`.

    `memory` is how many bytes of it are worked on at once. `notes` go into the new file's
    metadata: texts of at most 127 bytes by key.
    """

    source: str
    kind: str
    threads: int = 1
    memory: int = 2**30
    requantize: bool = False
    imatrix: str | None = None
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the file will be like: its bytes, whether it takes an importance matrix to make it,
    and how many tensors have a shape that its kind does not allow and become a larger one."""

    bytes: int
    needs_imatrix: bool
    unfitting: int


def kinds() -> dict[str, int]:
    """The kinds of file that this llama.cpp can make, with its numbers for them."""
    named = ((PREFIX.fullmatch(name), value) for name, value in vars(llama_cpp).items())
    return {match[1]: value for match, value in named if match and match[1] != UNMADE}


def estimate(task: Task) -> Estimate:
    """What making the file would give. Raises what `quantize` raises."""
    return Estimate(**_child(task, None, lambda _: None))


def quantize(task: Task, target: Path, progress: Callable[[int], None]) -> None:
    """Make the file at `target`, telling `progress` how many bytes are written.

    Whatever happens, no child is left; what it had written may be. Raises BadModelFile,
    ConfigurationError, DiskError, DoesNotFit.
    """
    _child(task, target, progress)


def _child(task: Task, target: Path | None, progress: Callable[[int], None]) -> Any:
    """What the child has to say, which makes `target`, or only an estimate."""
    words = [json.dumps(asdict(task)), *([str(target)] if target else [])]
    command = [sys.executable, "-m", "runner.llama.quantize", *words]
    with (
        tempfile.TemporaryFile() as complaints,
        # Nothing is written to its stdin: it lives as long as the other end is open.
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        ) as child,
    ):
        try:
            while child.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(STEP)
                if target is not None and target.exists():
                    progress(target.stat().st_size)
        finally:
            child.kill()
        assert child.stdout is not None
        said = child.stdout.read()
        complaints.seek(0)
        complaint = complaints.read().decode("utf-8", "replace")
    try:
        answer = json.loads(said)
    except ValueError:
        raise crash(Path(task.source), child.returncode, complaint) from None
    if child.returncode:
        raise getattr(errors, answer["kind"])(answer["message"], remedy=answer["remedy"])
    return answer


def _estimate(task: Task) -> dict[str, Any]:
    _call(task, "", dry_run=True)
    log = "".join(library.recent_log)
    size = re.search(r"quant size += +([\d.]+) MiB", log)
    if size is None:
        raise BadModelFile(f"llama.cpp does not say how large a {task.kind} would be")
    unfitting = re.search(r"WARNING: (\d+) of \d+ tensor\(s\) required fallback", log)
    return asdict(
        Estimate(
            bytes=int(float(size[1]) * 2**20),
            needs_imatrix="will require an imatrix" in log,
            unfitting=int(unfitting[1]) if unfitting else 0,
        )
    )


def _call(task: Task, target: str, *, dry_run: bool = False) -> None:
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = kinds()[task.kind]
    parameters.nthread = task.threads
    parameters.max_buf_size = task.memory
    parameters.allow_requantize = task.requantize
    parameters.dry_run = dry_run
    # What the C structure points to must live through the call.
    notes = _notes(task.notes)
    parameters.kv_overrides = ctypes.cast(notes, ctypes.POINTER(llama_cpp.llama_model_kv_override))
    if task.imatrix:
        importance = read_imatrix(Path(task.imatrix))
        parameters.imatrix = importance.entries
    library.forget_log()
    failed = llama_cpp.llama_model_quantize(
        task.source.encode(), target.encode(), ctypes.byref(parameters)
    )
    if failed:
        raise _failure(task)


def _notes(texts: dict[str, str]) -> Any:
    """Texts as llama.cpp takes them: an array that ends with an empty key."""
    overrides = (llama_cpp.llama_model_kv_override * (len(texts) + 1))()
    for override, (key, text) in zip(overrides, texts.items(), strict=False):
        override.tag = TEXT
        override.key = key.encode()
        # Cut between two characters.
        whole = text.encode()[:LONGEST_TEXT].decode("utf-8", "ignore")
        override.value.val_str = whole.encode()
    return overrides


def _failure(task: Task) -> RunnerError:
    """Why llama.cpp made nothing, with what helps."""
    # "llama_model_quantize: failed to quantize: the reason"
    reason = library.last_error().rpartition("failed to quantize: ")[2]
    name = Path(task.source).name
    if "iostream" in reason or "ios_base" in reason:
        return DiskError(
            f"llama.cpp could not write all of the {task.kind}",
            remedy="Make room on the disk, or choose another one with --out.",
        )
    if "alloc" in reason:
        return DoesNotFit(
            f"there is no memory to make a {task.kind} of {name}",
            remedy="Close other programs, or choose fewer --threads.",
        )
    if "imatrix" in reason or "importance" in reason:
        return ConfigurationError(
            f"the importance matrix does not suit {name}: {reason}",
            remedy="It has to be made from this very model.",
        )
    return BadModelFile(
        f"llama.cpp cannot make a {task.kind} of {name}: {reason}",
        remedy="Choose another kind, or fetch the source again.",
    )


def _end_with_parent(target: str) -> None:
    """End this process when the parent's end of stdin is closed, leaving nothing half-written."""
    sys.stdin.buffer.read()
    if target:
        with contextlib.suppress(OSError):
            Path(target).unlink()
    os._exit(1)


def _main(arguments: list[str]) -> int:
    # Ctrl-C reaches the child too, but its parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    task = Task(**json.loads(arguments[0]))
    target = arguments[1] if len(arguments) > 1 else ""
    threading.Thread(target=_end_with_parent, args=[target], daemon=True).start()
    try:
        answer: dict[str, Any] = {}
        if target:
            _call(task, target)
        else:
            answer = _estimate(task)
    except RunnerError as error:
        kind = type(error).__name__
        print(json.dumps({"kind": kind, "message": error.message, "remedy": error.remedy}))
        return error.exit_code
    print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    # Not sys.exit: the thread that waits for the parent still reads stdin.
    status = _main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)
