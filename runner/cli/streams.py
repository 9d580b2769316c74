"""The standard streams, made to take any text."""

import sys


def replace_unencodable() -> None:
    """Let what a terminal or a pipe cannot encode become `?` instead of an error."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # typed as TextIO, which has none
