"""Bytes to text, whatever its encoding."""

import codecs
import locale
import re
from contextlib import suppress

from runner.chat.documents.kinds import BINARY, refused

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# `<meta charset="…">`, `<?xml encoding="…">`, `# -*- coding: … -*-`. Only encodings in which people
# write: Python also knows some that compute.
DECLARED = re.compile(rb"(?:charset|coding)\s*[=:]\s*[\"']?([-\w]+)", re.IGNORECASE)
WRITTEN = ("iso8859", "cp", "shift_jis", "euc", "gb", "big5", "koi8", "mac")

CONTROL = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f]")  # not ESC, which logs have
MOST_CONTROL = 0.001
"""The share of control characters from which bytes are taken for no text."""


def decoded(data: bytes) -> tuple[str, str]:
    """The text in `data`, and what a person should know of how it was read: nothing where it is
    Unicode. Raises BadDocument, its words to follow the file's name, where it is no text."""
    found, details = _decoded(data)
    if "\0" in found or len(CONTROL.findall(found)) > MOST_CONTROL * len(found):
        raise refused(BINARY)
    return found, details


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), ""
    if unmarked := _utf16(data):
        return data.decode(unmarked, "replace"), ""
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8"), ""
    mostly = data.decode("utf-8", "replace")
    unknown = mostly.count("\ufffd")
    if len(mostly) - len(mostly.encode("ascii", "ignore")) > 2 * unknown:
        # UTF-8 with something else in between, as in a log of several programs.
        return mostly, f"{unknown} characters of it unreadable"
    for encoding in (*_declared(data), locale.getencoding(), "cp1252"):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding), f"read as {codecs.lookup(encoding).name}"
    raise refused(BINARY)


def _utf16(data: bytes) -> str | None:
    """UTF-16 without its mark: in most writing every other byte is then often zero."""
    beginning = data[:4096]
    zeros = [beginning[first::2].count(0) / max(len(beginning) // 2, 1) for first in (0, 1)]
    if len(data) % 2 == 0 and min(zeros) < 0.05 and max(zeros) > 0.3:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return None


def _declared(data: bytes) -> list[str]:
    """The encoding that a text says it is in."""
    found = DECLARED.search(data[:1024])
    with suppress(LookupError):
        if found and codecs.lookup(found[1].decode("ascii")).name.startswith(WRITTEN):
            return [found[1].decode("ascii")]
    return []
