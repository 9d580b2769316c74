"""The process in which a document is read: its bytes come on stdin, facts go to stdout as JSON."""

import json
import sys
from typing import Any

from runner.chat.documents import kinds
from runner.errors import BadDocument

MEMORY = 2 * 2**30
"""Bytes that reading may take, where the system can hold a process to it."""


def main() -> None:
    kind, data = sys.argv[1], sys.stdin.buffer.read()
    try:
        _bound_memory()
        text, details = _read(kind, data)
        _tell(text=text.encode("utf-8", "replace").decode(), details=details)
    except BadDocument as error:
        _tell(refused=error.message, remedy=error.remedy)
    except ModuleNotFoundError as error:
        _tell(missing=error.name)
    except MemoryError:
        _tell(failed="it takes too much memory")
    except Exception as error:  # whatever the readers make of a damaged file
        _tell(failed=type(error).__name__)


def _read(kind: str, data: bytes) -> tuple[str, str]:
    if kind == kinds.PDF:
        from runner.chat.documents.pdf import read_pdf

        return read_pdf(data, lambda number, count: _tell(page=number, of=count))
    if kind == kinds.WORD:
        from runner.chat.documents.word import read_word

        return read_word(data), ""
    from runner.chat.documents.web import read_html

    return read_html(data)


def _tell(**fact: Any) -> None:
    print(json.dumps(fact), flush=True)


def _bound_memory() -> None:
    if sys.platform == "linux":  # macOS ignores the bound, Windows has none
        import resource

        import psutil

        bound = psutil.Process().memory_info().vms + MEMORY
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or bound < hard:
            resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


if __name__ == "__main__":
    main()
