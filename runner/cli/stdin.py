"""Text that comes through a pipe."""

import locale
import sys


def read_text() -> str:
    """All of stdin, less the line end that `echo` and editors put last."""
    data = sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode(locale.getpreferredencoding(), "replace")
    return text.replace("\r\n", "\n").removesuffix("\n")
