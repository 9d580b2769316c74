"""What comes through a pipe: text, or a document."""

import sys


def read_text() -> str:
    """All of stdin as text, less the line end that `echo` and editors put last. Text is taken to
    the letter, HTML too; PDF and Word are read as documents.

    Raises BadDocument for what is no text, and ConfigurationError where a reader is missing.
    """
    from runner.chat.documents import LARGEST, from_bytes
    from runner.cli.output import note

    data = sys.stdin.buffer.read(LARGEST + 1)
    if not data.strip():
        return data.decode().removesuffix("\n")
    document = from_bytes("stdin", data, literal=True)
    if ", " in document.kind:
        note(f"stdin: {document.kind}")
    return document.text
