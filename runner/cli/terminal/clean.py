"""Strips terminal control from text that a model, a file or a server wrote.

Printed as it is, such text could recolour the screen, retitle the window, write to the clipboard
or hide what it says. Line feeds and tabs stay; everything else that a terminal obeys goes.
"""

import re

# The forms of ECMA-48. Each opens with ESC and a character, or with the C1 character of its own.
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
SEQUENCE = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*"  # then a last character: colours, cursor movements
STRING = r"(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*"  # then an end: titles, clipboard
OTHER = r"\x1b[ -/]*"  # then a last character: character sets, resets

WHOLE = re.compile(rf"{SEQUENCE}[@-~]|{STRING}(?:\x07|\x1b\\|\x9c)|{OTHER}[0-~]|{CONTROL}")
UNFINISHED = re.compile(rf"(?:{SEQUENCE}|{STRING}\x1b?|{OTHER})\Z")
LONGEST = 1000
"""Characters an unfinished sequence may hold back; after that it is taken for none."""


class Cleaner:
    """Cleans a text that arrives in pieces, cut anywhere. Ends with `close`."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What may be printed now; a sequence that may go on in the next piece is held back."""
        text = self._held + text
        unfinished = UNFINISHED.search(text)
        start = unfinished.start() if unfinished else len(text)
        if len(text) - start > LONGEST:
            start = len(text)
        self._held = text[start:]
        return WHOLE.sub("", text[:start])

    def close(self) -> str:
        """What may be printed of what was held back."""
        held, self._held = self._held, ""
        return WHOLE.sub("", held)


def clean(text: str) -> str:
    """The whole of `text`, cleaned."""
    return WHOLE.sub("", text)


class Trimmer:
    """Drops the white space around a text that arrives in pieces: what may be its end waits."""

    def __init__(self) -> None:
        self._begun = False
        self._waiting = ""

    def feed(self, text: str) -> str:
        """What is surely inside the text."""
        text = self._waiting + text
        if not self._begun:
            text = text.lstrip()
        inside = text.rstrip()
        self._waiting = text[len(inside) :]
        self._begun = self._begun or bool(inside)
        return inside
