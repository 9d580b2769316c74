"""Loads llama.cpp's shared library once, checks its version, and catches its log.

llama-cpp-python's structures are ctypes mirrors of a C header that changes often: with another
version every call would still "work", on the wrong bytes. So the version is checked before use.
"""

import collections
import contextlib
import ctypes
import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from runner.errors import BuildError

PINNED_VERSION = "0.3.36"

REBUILD = (
    "Install the pinned version again: "
    f"pip install --force-reinstall --no-cache-dir llama-cpp-python=={PINNED_VERSION}"
)

# After a failed assertion ggml starts a debugger for a backtrace, which can hang for seconds.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")


def _import_bindings() -> Any:
    try:
        found = importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        raise BuildError("llama-cpp-python is not installed", remedy=REBUILD) from None
    if found != PINNED_VERSION:
        raise BuildError(
            f"llama-cpp-python {found} is installed, and Runner mirrors {PINNED_VERSION}",
            remedy=REBUILD,
        )
    try:
        import llama_cpp.llama_cpp as bindings
    except (ImportError, OSError, RuntimeError) as error:
        raise BuildError(f"llama.cpp's library does not load: {error}", remedy=REBUILD) from error
    return bindings


llama_cpp = _import_bindings()
"""The low-level bindings; ggml functions that have none are reached through `llama_cpp._lib`."""

recent_log: collections.deque[str] = collections.deque(maxlen=500)
"""llama.cpp's latest log lines, oldest first."""

_recent_errors: collections.deque[str] = collections.deque(maxlen=20)

LEVEL_ERROR, LEVEL_CONTINUED = 4, 5  # GGML_LOG_LEVEL_*

_verbose = False


def _ggml(name: str) -> Any:
    """A function of ggml that llama-cpp-python does not bind, or None.

    On Linux and macOS it resolves through libllama's dependencies; on Windows each DLL is opened.
    """
    folder = Path(llama_cpp._lib._name).parent
    for path in (None, *sorted(folder.glob("ggml*.dll"))):
        library = llama_cpp._lib if path is None else ctypes.CDLL(str(path))
        if (function := getattr(library, name, None)) is not None:
            return function
    return None


def has_ggml(name: str) -> bool:
    """Whether this build's ggml has a function of that name."""
    return _ggml(name) is not None


def ggml(name: str, result: Any, *arguments: Any) -> Any:
    """The function of ggml of that name, with these ctypes. Raises AttributeError."""
    function = _ggml(name)
    if function is None:
        raise AttributeError(f"ggml has no {name}")
    function.restype, function.argtypes = result, list(arguments)
    return function


def set_verbose(on: bool) -> None:
    """Also print llama.cpp's log to stderr (the `--verbose` option)."""
    global _verbose
    _verbose = on


def forget_log() -> None:
    """Empty the log, before a call whose failure it should explain."""
    recent_log.clear()
    _recent_errors.clear()


def _receive_log(level: int, text: bytes, _user_data: Any) -> None:
    line = text.decode("utf-8", "replace")
    if level == LEVEL_CONTINUED and recent_log:
        recent_log[-1] += line
    elif not line.startswith(("create_tensor: loading ", "llama_graph_n_input_tensors: ")):
        # Of those there is one for every tensor of a file or a graph: all else would be gone.
        recent_log.append(line)
    if level == LEVEL_ERROR:
        _recent_errors.append(line)
    if _verbose:
        sys.stderr.write(line)


# The callback must outlive every call, so it is kept here.
_log_callback = llama_cpp.llama_log_callback(_receive_log)
llama_cpp.llama_log_set(_log_callback, None)
llama_cpp.llama_backend_init()


def last_error() -> str:
    """Why the last call failed, in llama.cpp's words: the first error it logged is the cause, and
    those after it only report the failure upwards."""
    if not _recent_errors:
        return "llama.cpp gave no reason"
    # "llama_model_load: error loading model: the reason"
    return _recent_errors[0].strip().rpartition(": error loading model: ")[2]


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


@contextlib.contextmanager
def stderr_of_c() -> Iterator[Callable[[], str]]:
    """What C code prints to stderr past its log, kept off the screen: a function that gives it.

    The whole process's stderr is turned aside for that time, so it is for calls of milliseconds.
    """
    with tempfile.TemporaryFile() as aside:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield lambda: _all_of(aside)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
