"""A paragraph, finished in parts where it is long."""

import re

from runner.cli.terminal.markdown.inline import completed, open_mark, styled
from runner.cli.terminal.markdown.rows import Row, Wrapper, boundary, merged

ROWS_AWAITED = 6
LEAST_AWAITED = 400
"""Rows, and characters at the least, that wait for the marks in them to be closed."""

TRIES = 8
PLACES = re.compile(r"[ \n]+|[、。，．；：？！]")


class Paragraph:
    """Its marks may pair with later ones, so its end waits; what is far enough back is settled."""

    def __init__(self, width: int) -> None:
        self._wrapper = Wrapper(width)
        self._awaited = 0  # characters before it is looked again for what is settled
        self.source = ""
        self.whole = True
        """Whether nothing was settled yet."""

    def add(self, text: str) -> list[Row]:
        self.source += text
        rows: list[Row] = []
        while count := self._settled():
            rows += self._wrapper.add(styled(self.source[:count]))
            self.source = self.source[count:]
            self.whole = False
        return rows

    def close(self) -> list[Row]:
        rows = self._wrapper.add(styled(self.source.rstrip()))
        return rows + self._wrapper.end()

    def complete(self) -> None:
        """Close what is open, for the look of it while it grows."""
        self.source = completed(self.source)

    def resize(self, width: int) -> list[Row]:
        return self._wrapper.resize(width)

    def _settled(self) -> int:
        """How much of the source can be shown whatever comes: nothing is open there, and cut there
        it reads the same. What stays open beyond all measure is taken for no mark."""
        bound = max(ROWS_AWAITED * self._wrapper.width, LEAST_AWAITED)
        if len(self.source) <= max(bound, self._awaited):
            return 0
        self._awaited = 0
        places = [found.end() for found in PLACES.finditer(self.source, 0, bound // 2)]
        places = places or [boundary(self.source, bound // 2)]
        whole = merged(styled(self.source))
        for place in places[:: -max(1, len(places) // TRIES)]:
            before = styled(self.source[:place])
            if open_mark(before):
                continue
            if merged([*before, *styled(self.source[place:])]) == whole:
                return place
        if len(self.source) <= 4 * bound:
            self._awaited = min(2 * len(self.source), 4 * bound)
            return 0
        return places[-1]
