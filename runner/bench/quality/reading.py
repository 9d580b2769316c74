"""What of an answer counts before it is compared, as a task's file may say: what regular
expressions find in it, and what makes no difference."""

import re
import string
from dataclasses import dataclass

NOTHING = "[invalid]"
"""What stands for an answer where nothing was found, as lm-evaluation-harness has it."""


@dataclass(frozen=True, slots=True)
class Find:
    """A regular expression whose match (or the first of its groups that has any) is taken: of all
    matches the one of this index. `fallback` where there is none."""

    pattern: str
    index: int = 0
    fallback: str = NOTHING

    def found(self, text: str) -> str:
        """What is taken of a text."""
        matches = list(re.finditer(self.pattern, text))
        if not -len(matches) <= self.index < len(matches):
            return self.fallback
        match = matches[self.index]
        if not match.re.groups:
            return match[0].strip()
        return next((group.strip() for group in match.groups() if group), self.fallback)


@dataclass(frozen=True, slots=True)
class Reading:
    """`finds` are applied to an answer, one after another; of it and of what is expected, all that
    matches `left_out` is taken, and these make no difference: "case", "punctuation", "numbers"."""

    finds: tuple[Find, ...] = ()
    left_out: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def found(self, text: str) -> str:
        """What of an answer is compared."""
        for find in self.finds:
            text = find.found(text)
        return self.bare(text)

    def bare(self, text: str) -> str:
        """A text without what makes no difference."""
        for pattern in self.left_out:
            text = re.sub(pattern, "", text)
        text = text.lower() if "case" in self.ignored else text
        for name, characters in (("punctuation", string.punctuation), ("numbers", string.digits)):
            if name in self.ignored:
                text = text.translate(str.maketrans("", "", characters))
        return text.strip()
