"""The blocks that hold text: each takes its lines and gives back the rows that are finished."""

import re
from typing import ClassVar, Protocol

from runner.cli.terminal.markdown.code import Code
from runner.cli.terminal.markdown.paragraph import Paragraph
from runner.cli.terminal.markdown.rows import Row, Wrapper, columns
from runner.cli.terminal.markdown.style import MARK
from runner.cli.terminal.markdown.tables import Table

__all__ = ["Fence", "Indented", "Leaf", "Literal", "Math", "Paragraph", "Table"]


LINE = 48
"""Columns of the lines around code: short ones are not broken when a window is made narrower."""


def line(width: int, label: str = "") -> list[Row]:
    """A line across, which begins with a label; rows, if that is long."""
    wrapper = Wrapper(width)
    text = f"── {label} " if label else ""
    text += "─" * (min(LINE, width) - columns(text))
    return wrapper.add([(text, MARK)]) + wrapper.end()


class Leaf(Protocol):
    def add(self, text: str) -> list[Row]:
        """Go on by a line with its line feed, or by a piece of a long one; the rows finished."""

    def close(self) -> list[Row]:
        """The rows that are left."""

    def resize(self, width: int) -> list[Row]:
        """Go on in another width; the rows that are finished by it."""


class Verbatim:
    """Lines shown as they are."""

    def __init__(self, width: int) -> None:
        self._wrapper = Wrapper(width, prose=False)

    def last(self, line: str) -> bool:
        """Whether a line that it holds is its last."""
        return False

    def add(self, text: str) -> list[Row]:
        return self._wrapper.add([(text, "")])

    def close(self) -> list[Row]:
        return self._wrapper.end()

    def resize(self, width: int) -> list[Row]:
        return self._wrapper.resize(width)


class Indented(Verbatim):
    """Code that is only indented."""

    def holds(self, line: str) -> bool:
        return False


class Math(Verbatim):
    """LaTeX on lines of its own, as it was written."""

    OPENING = re.compile(r" {0,3}(\$\$|\\\[|\\begin\{\w+\*?\})(.*)")
    ENDS: ClassVar = {"$": "$$", "[": "\\]", "b": "\\end{"}

    @classmethod
    def opened(cls, line: str) -> str | None:
        """What will end the formula that a line begins; None if it begins none, or ends it too."""
        found = cls.OPENING.fullmatch(line)
        end = cls.ENDS[found[1][1]] if found else ""
        return end if found and end not in found[2] else None

    def __init__(self, end: str, width: int) -> None:
        super().__init__(width)
        self._end = end

    def holds(self, line: str) -> bool:
        return bool(line.strip())

    def last(self, line: str) -> bool:
        return self._end in line


class Fence:
    """A block of code."""

    FORM = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)")

    def __init__(self, mark: str, info: str, width: int) -> None:
        self._info = info.strip()
        words = self._info.strip("{}. ").split(maxsplit=1)
        self._language = words[0].lower() if words else ""
        self._code = Code(self._language, width)
        self._end = re.compile(rf" *{mark[0]}{{{len(mark)},}} *")
        self._open = 1
        self._width = width

    def head(self) -> list[Row]:
        """What stands above the code."""
        return line(self._width, self._info)

    def holds(self, line: str) -> bool:
        """Whether a line is code and not the fence's end. Models show Markdown that has fences
        inside a fence of the same length: the inner ones end first."""
        if self._end.fullmatch(line):
            self._open -= 1
        elif self._language in ("markdown", "md") and self.FORM.fullmatch(line):
            self._open += 1
        return self._open > 0

    def last(self, line: str) -> bool:
        return False

    def add(self, text: str) -> list[Row]:
        return self._code.add(text)

    def close(self) -> list[Row]:
        return [*self._code.close(), *line(self._width)]

    def resize(self, width: int) -> list[Row]:
        self._width = width
        return self._code.resize(width)


Literal = Fence | Math | Indented
"""Blocks whose lines are shown as they are."""
