"""Quotation marks around what is typed: `\"\"\"` around a text of several lines, and the marks that
other programs want around a value."""

import re

# `"""` opens a text of several lines, also behind a command; `"""` at an end closes it.
OPENED = re.compile(r'\s*(?:/[^"\n]*)?"""')
QUOTED = re.compile(r'\s*(/[^"\n]*)?"""(.*)"""\s*', re.DOTALL)


def is_open(text: str) -> bool:
    """Whether Enter begins a new line of this text, because its `\"\"\"` is not closed."""
    return OPENED.match(text) is not None and QUOTED.fullmatch(text) is None


def unquoted(text: str) -> str:
    """The text without the `\"\"\"` around it."""
    quoted = QUOTED.fullmatch(text)
    return (quoted[1] or "") + quoted[2].strip("\n") if quoted else text


def bare(text: str) -> str:
    """A value without the quotation marks around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
