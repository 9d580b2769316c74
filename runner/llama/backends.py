"""Which backends the installed llama.cpp brings, by the names of its libraries: told without
loading any of them, which takes longer than all else that a quick command does."""

import importlib.util
import re
from pathlib import Path

WITHOUT_DEVICES = {"base", "cpu", "rpc", "blas"}
"""Libraries of ggml that add no device of this machine but its processor."""

LIBRARY = re.compile(r"(?:lib)?ggml-([a-z]+)")


def may_have_gpus() -> bool:
    """Whether this build may offer devices besides the processor; True where nothing tells."""
    found = importlib.util.find_spec("llama_cpp")
    if found is None or found.origin is None:
        return True
    names = {
        match[1]
        for path in (Path(found.origin).parent / "lib").glob("*ggml*")
        if (match := LIBRARY.match(path.name))
    }
    return "cpu" not in names or bool(names - WITHOUT_DEVICES)
