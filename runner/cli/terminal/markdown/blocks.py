"""The blocks of Markdown, line by line: each line is read once, and what it finishes is given back.

A line lies in containers (quotes and list items), which its start must match; what is left goes to
the innermost block: a paragraph, code, a table. Where models commonly stray from the letter of
CommonMark, what they mean is taken: see `Item.match` and `Fence.holds`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from runner.cli.terminal.markdown.containers import (
    MARKER,
    QUOTE,
    Container,
    Item,
    interrupts,
    opened,
)
from runner.cli.terminal.markdown.inline import styled
from runner.cli.terminal.markdown.leaves import (
    Fence,
    Indented,
    Leaf,
    Literal,
    Math,
    Paragraph,
    Table,
)
from runner.cli.terminal.markdown.rows import Row, Wrapper, width
from runner.cli.terminal.markdown.style import HEADING, LESSER_HEADING, MARK, both

DEEPEST = 16
"""Containers in one another; a mark beyond them is text."""

RULE = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})")
TITLE = re.compile(r" {0,3}(#{1,6})(?: (.*))?")
UNDERLINE = re.compile(r" {0,3}(=+|-{2,}) *")


@dataclass
class Blocks:
    """Markdown for a terminal `width` columns wide."""

    width: int
    _containers: list[Container] = field(default_factory=list)
    _leaf: Leaf | None = None
    _gap: bool = False  # a blank line came
    _latest: list[Container] | None = None  # the containers of the latest block
    _rows: list[Row] = field(default_factory=list)  # finished, and not yet given back

    def line(self, text: str, *, begins: bool = True, ends: bool = True) -> list[Row]:
        """The rows finished by a line, or by a piece of a long one that `begins` or `ends` it."""
        if begins or self._leaf is None:
            self._begin(text.expandtabs(4), ends)
        else:
            self._add(text.expandtabs(4) + "\n" * ends)
        return self._taken()

    def close(self) -> list[Row]:
        """The rows that are left: what was open is closed."""
        self._leave(0)
        return self._taken()

    def complete(self) -> None:
        """Close the marks that are open, for the look of it while it grows."""
        if isinstance(self._leaf, Paragraph):
            self._leaf.complete()

    def resize(self, width: int) -> None:
        """What comes from now on is for another width."""
        self.width = width
        if self._leaf is not None:
            self._show(self._leaf.resize(self._room()))

    def literal(self) -> bool:
        """Whether lines are shown as they are just now."""
        return isinstance(self._leaf, Literal)

    def _taken(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def _begin(self, line: str, ends: bool) -> None:
        depth, line = self._matched(line)
        if depth < len(self._containers):
            if isinstance(self._leaf, Paragraph) and line.strip() and not self._starts(line, depth):
                self._add(line.lstrip() + "\n" * ends)  # a quote or item may be continued lazily
                return
            self._leave(depth)
        if isinstance(self._leaf, Literal) and self._literally(self._leaf, line, ends):
            return
        if not line.strip():
            self._close_leaf()
            self._gap = True
            return
        self._content(self._enter(line), ends)

    def _matched(self, line: str) -> tuple[int, str]:
        """How many containers the line goes on, and the line inside them."""
        fenced = isinstance(self._leaf, Fence)
        for depth, container in enumerate(self._containers):
            end = container.match(line, fenced)
            if end is None:
                return depth, line
            line = line[end:]
        return len(self._containers), line

    def _starts(self, line: str, depth: int) -> bool:
        """Whether a line outside the containers from `depth` on begins a block of its own."""
        if any(form.fullmatch(line) for form in (TITLE, RULE, Fence.FORM)) or QUOTE.match(line):
            return True
        marker = MARKER.match(line)
        beside = isinstance(self._containers[depth], Item)
        return marker is not None and (beside or interrupts(marker))

    def _literally(self, leaf: Literal, line: str, ends: bool) -> bool:
        """Go on with what is shown as it is; False if the line is none of it."""
        if leaf.holds(line):
            self._add(line + "\n" * ends)
            if leaf.last(line):
                self._close_leaf()
            return True
        self._close_leaf()
        return isinstance(leaf, Fence)  # whose end is a line of its own

    def _enter(self, line: str) -> str:
        """Open the containers that a line begins; the line inside them."""
        while len(self._containers) < DEEPEST and (found := self._opened(line)):
            container, end = found
            self._close_leaf()
            self._containers.append(container)
            line = line[end:]
        return line

    def _opened(self, line: str) -> tuple[Container, int] | None:
        paragraph = isinstance(self._leaf, Paragraph)
        if RULE.fullmatch(line) or (paragraph and UNDERLINE.fullmatch(line)):
            return None
        in_item = any(isinstance(one, Item) for one in self._containers)
        return opened(line, in_item=in_item, in_paragraph=paragraph)

    def _content(self, line: str, ends: bool) -> None:
        """Give what is inside all containers to the block it belongs to."""
        if not line.strip():
            return
        if ends and (self._ends_paragraph(line) or self._is_block(line)):
            return
        if isinstance(self._leaf, Table) and "|" in line and ends:
            self._add(line)
        elif not isinstance(self._leaf, Paragraph) and line.startswith(" " * 4):
            self._open(Indented(self._room()))
            self._add(line[4:] + "\n" * ends)
        else:
            if not isinstance(self._leaf, Paragraph):
                self._open(Paragraph(self._room()))
            self._add(line.lstrip() + "\n" * ends)

    def _ends_paragraph(self, line: str) -> bool:
        """Whether a line makes a heading or a table's header of the paragraph before it."""
        if not isinstance(self._leaf, Paragraph):
            return False
        before, _, latest = self._leaf.source.rstrip("\n").rpartition("\n")
        underline = UNDERLINE.fullmatch(line)
        if underline and self._leaf.whole:
            source, self._leaf.source = self._leaf.source, ""
            self._heading(1 if underline[1][0] == "=" else 2, source)
            return True
        if Table.begins(latest, line):
            self._leaf.source = before
            self._open(Table(latest, line, self._room()))
            return True
        return False

    def _is_block(self, line: str) -> bool:
        if title := TITLE.fullmatch(line):
            self._gap = True
            text = (title[2] or "").rstrip()
            bare = text.rstrip("#")  # marks may stand at the end too
            self._heading(len(title[1]), text if bare[-1:].strip() else bare)
        elif RULE.fullmatch(line):
            self._open(None)
            self._show([[("─" * (self._room() // 3), MARK)]])
        elif fence := Fence.FORM.fullmatch(line):
            leaf = Fence(fence[1], fence[2], self._room())
            self._open(leaf)
            self._show(leaf.head())
        elif end := Math.opened(line):
            self._open(Math(end, self._room()))
            self._add(line + "\n")
        else:
            return False
        return True

    def _heading(self, level: int, source: str) -> None:
        self._open(None)
        wrapper, style = Wrapper(self._room()), HEADING.get(level, LESSER_HEADING)
        spans = [(text, both(style, own)) for text, own in styled(source.strip())]
        self._show(wrapper.add(spans) + wrapper.end())

    def _open(self, leaf: Leaf | None) -> None:
        """Begin a block, apart from the one before where the source leaves a line between."""
        self._close_leaf()
        if self._gap and self._latest is not None:
            both_in = takewhile(
                lambda pair: pair[0] is pair[1], zip(self._latest, self._containers, strict=False)
            )
            self._rows.append(self._prefixed([], [container for container, _ in both_in]))
        self._gap, self._latest, self._leaf = False, list(self._containers), leaf

    def _close_leaf(self) -> None:
        if self._leaf is not None:
            self._show(self._leaf.close())
            self._leaf = None

    def _leave(self, depth: int) -> None:
        """Close the containers from `depth` on; an item that holds nothing is shown too."""
        self._close_leaf()
        if any(not container.shown for container in self._containers[depth:]):
            self._open(None)
            self._show([[]])
        del self._containers[depth:]

    def _add(self, text: str) -> None:
        if self._leaf is not None:
            self._show(self._leaf.add(text))

    def _show(self, rows: Iterable[Row]) -> None:
        self._rows += [self._prefixed(row, self._containers) for row in rows]

    def _prefixed(self, row: Row, containers: Iterable[Container]) -> Row:
        """A row behind its containers' marks; of too many of them, the last."""
        prefix = [container.prefix() for container in containers]
        extra = width(prefix) - self.width // 2
        cut: Row = []
        for text, style in prefix:
            cut.append((text[max(extra, 0) :], style))
            extra -= len(text)
        if cut and not row:
            cut[-1] = cut[-1][0].rstrip(), cut[-1][1]
        return cut + row

    def _room(self) -> int:
        """The columns that are left inside the containers."""
        prefix = sum(container.width for container in self._containers)
        return self.width - min(prefix, self.width // 2)
