"""Strips terminal control from text that a model, a file or a server wrote.

Printed as it is, such text could recolour the screen, retitle the window, write to the clipboard
or hide what it says. Line feeds and tabs stay; everything else that a terminal obeys goes, and so
do characters that are not seen but change what is: they reorder a line (bidirectional overrides,
embeddings and isolates) or spell a second text inside the first (tags, zero-width spaces).
Scripts written from right to left stay, with the marks and joiners their words need.
"""

import re

LONGEST = 1000
"""Characters of a sequence that may wait for its end; longer, it is taken for none."""
SOME = rf"{{0,{LONGEST}}}"

# The forms of ECMA-48. Each opens with ESC and a character, or with the C1 character of its own.
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
SEQUENCE = rf"(?:\x1b\[|\x9b)[0-?]{SOME}[ -/]{SOME}"  # then a last character: colours, movements
STRING = rf"(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{SOME}"  # then an end: titles
OTHER = rf"\x1b[ -/]{SOME}"  # then a last character: character sets, resets

# Characters that cannot be seen. Not among them are what letters and emoji are joined and varied
# by (U+200C, U+200D, variation selectors), and the marks of direction that reorder nothing but
# the punctuation beside them (U+200E, U+200F, U+061C).
UNSEEN = (
    "[\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb"  # hyphens and spaces without width
    "\u202a-\u202e\u2066-\u206f"  # embeddings, overrides, isolates
    "\U000e0000-\U000e007f]"  # tags
)

WHOLE = re.compile(rf"{SEQUENCE}[@-~]|{STRING}(?:\x07|\x1b\\|\x9c)|{OTHER}[0-~]|{CONTROL}|{UNSEEN}")
UNFINISHED = re.compile(rf"(?:{SEQUENCE}|{STRING}\x1b?|{OTHER})\Z")


class Cleaner:
    """Cleans a text that arrives in pieces, cut anywhere. Ends with `close`."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What may be printed now; a sequence that may go on in the next piece is held back."""
        text = self._held + text
        unfinished = UNFINISHED.search(text)
        start = unfinished.start() if unfinished else len(text)
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
