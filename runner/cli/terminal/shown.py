"""One reply as a terminal shows it: what is finished is printed once and stays; the rest is rows
that change until it is finished too."""

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.cli.terminal.clean import Cleaner, Trimmer, clean
from runner.cli.terminal.markdown.rows import Row, Wrapper, ansi
from runner.cli.terminal.markdown.style import DIM
from runner.cli.words import duration

if TYPE_CHECKING:
    from runner.engine.events import Event

Style = Callable[[str], str]
"""How a text looks that is set back from the answer."""

THOUGHT_ROWS = 6
"""Rows of reasoning that are seen at once while it is to be folded."""


class Part(Protocol):
    """The text of one kind, while it is said."""

    def feed(self, text: str) -> str:
        """What is finished by this text, in whole lines."""

    def tail(self, rows: int) -> list[str]:
        """The last `rows` rows of what is not finished."""

    def resize(self, columns: int) -> None:
        """The terminal is this wide from now on."""

    def close(self) -> str:
        """What is left, in whole lines."""


@dataclass(slots=True)
class Thoughts:
    """The reasoning of a reply, to the letter, and what it cost. Times are of the last token
    sampled (`time.perf_counter()` seconds)."""

    started: float
    texts: list[str] = field(default_factory=list)
    tokens: int = 0
    latest: float = 0.0

    @property
    def summary(self) -> str:
        """ "12 s, 384 tokens"."""
        return f"{duration(self.latest - self.started)}, {self.tokens} tokens"


class Shown:
    """A reply on its way. `hear` its events; `frame` says what is new to print and to draw."""

    def __init__(self, think: str, columns: int, style: Style, *, colour: bool) -> None:
        """`think` is "show", "fold" or "hide"."""
        self.thoughts: Thoughts | None = None
        self.read = ""
        """How far the prompt was read, until something is said."""
        self._think = think
        self._columns = columns
        self._style = style
        self._colour = colour
        self._kind = ""
        self._part: Part | None = None
        self._cleaner, self._trimmer = Cleaner(), Trimmer()
        self._heard: list[str] = []
        self._finished: list[str] = []

    @property
    def status(self) -> str:
        """What the model is doing, in a line that passes."""
        if not self._kind:
            return f"{self.read} · Ctrl-C stops" if self.read else ""
        if self._kind == "reasoning" and self.thoughts is not None:
            unfold = "" if self._think == "show" else " · Ctrl-T shows it"
            return f"thinking: {self.thoughts.summary}{unfold} · Ctrl-C stops"
        return "Ctrl-C stops"

    def hear(self, event: "Event") -> None:
        """The next piece of the reply."""
        if event.kind != self._kind:
            self._turn_to(event)
        if event.kind == "reasoning" and self.thoughts is not None:
            self.thoughts.texts.append(event.text)
            self.thoughts.tokens += len(event.tokens)
            self.thoughts.latest = event.at
        self._heard.append(event.text)

    def frame(self, rows: int) -> tuple[str, list[str]]:
        """What is finished since the last frame, in whole lines, and `rows` at most of the rest."""
        self._digest()
        finished = "".join(self._finished)
        self._finished.clear()
        return finished, self._part.tail(rows) if self._part and rows > 0 else []

    def resize(self, columns: int) -> None:
        """The terminal is this wide from now on."""
        if columns != self._columns:
            self._columns = columns
            if self._part is not None:
                self._part.resize(columns)

    def unfold(self) -> bool:
        """Show the reasoning, from its start; also what is still to come of it. False where there
        is none that is not shown."""
        if self.thoughts is None or self._think == "show":
            return False
        self._digest()
        self._think = "show"
        if self._kind == "reasoning":
            self._part = Open(self._columns, colour=self._colour)
            self._finished.append(self._part.feed(_settled(self.thoughts)))
        else:
            aloud = Open(self._columns, colour=self._colour)
            head = self._style(f"what it thought for {self.thoughts.summary}:")
            text = aloud.feed(_settled(self.thoughts)) + aloud.close()
            self._finished.append(f"{head}\n{text}\n")
        return True

    def close(self) -> None:
        """The reply is over: the next frame finishes all of it."""
        self._turn_to(None)

    def _digest(self) -> None:
        """Give the part what was heard of it."""
        text = "".join(self._heard)
        self._heard.clear()
        if self._part is not None and text:
            text = self._trimmer.feed(self._cleaner.feed(text))
            self._finished.append(self._part.feed(text))

    def _turn_to(self, event: "Event | None") -> None:
        """What comes now is of another kind, or nothing."""
        self._digest()
        if self._part is not None:
            self._finished.append(self._part.feed(self._trimmer.feed(self._cleaner.close())))
            self._finished.append(self._part.close())
        if self._kind == "reasoning" and self.thoughts is not None:
            self._finished.append(self._sum_up(self.thoughts))
        self._cleaner, self._trimmer = Cleaner(), Trimmer()
        self._kind = event.kind if event else ""
        self._part = self._opened(event) if event else None

    def _opened(self, event: "Event") -> Part:
        if event.kind == "answer":
            return Answer(self._columns, colour=self._colour)
        if event.kind == "tool_call":
            return Call(self._style)
        self.thoughts = self.thoughts or Thoughts(event.at)
        if self._think == "show":
            return Open(self._columns, colour=self._colour)
        rows = THOUGHT_ROWS if self._think == "fold" else 0
        return Folded(self._columns, rows, colour=self._colour)

    def _sum_up(self, thoughts: Thoughts) -> str:
        """What stays of the reasoning: a line; of one that is hidden or empty nothing."""
        if self._think == "hide" or not "".join(thoughts.texts).strip():
            return ""
        key = " · Ctrl-T shows it" if self._think == "fold" else ""
        return self._style(f"thought for {thoughts.summary}{key}") + "\n\n"


def _settled(thoughts: Thoughts) -> str:
    return clean("".join(thoughts.texts)).strip()


class Answer:
    """Markdown, a block at a time."""

    def __init__(self, columns: int, *, colour: bool) -> None:
        from runner.cli.terminal.markdown import MarkdownStream

        self._stream = MarkdownStream(columns, colour=colour)

    def feed(self, text: str) -> str:
        return self._stream.feed(text) if text else ""

    def tail(self, rows: int) -> list[str]:
        tail = self._stream.tail(rows)
        return tail.split("\n") if tail else []

    def resize(self, columns: int) -> None:
        self._stream.resize(columns)

    def close(self) -> str:
        return self._stream.close()


class Open:
    """Reasoning that is shown as it comes, and stays."""

    def __init__(self, columns: int, *, colour: bool) -> None:
        self._wrapper = Wrapper(columns)
        self._colour = colour
        self._full: list[Row] = []

    def feed(self, text: str) -> str:
        rows = [*self._full, *self._wrapper.add([(text, DIM)])]
        self._full = []
        return "".join(f"{ansi(row, self._colour)}\n" for row in rows)

    def tail(self, rows: int) -> list[str]:
        rest = [*self._full, *deepcopy(self._wrapper).end()]
        return [ansi(row, self._colour) for row in rest[-rows:]]

    def resize(self, columns: int) -> None:
        self._full += self._wrapper.resize(columns)

    def close(self) -> str:
        self._full += self._wrapper.end()
        return self.feed("")


class Folded:
    """Reasoning that is seen while it comes, in its last `rows` rows, and goes."""

    def __init__(self, columns: int, rows: int, *, colour: bool) -> None:
        self._wrapper = Wrapper(columns)
        self._rows: deque[Row] = deque(maxlen=rows)
        self._colour = colour

    def feed(self, text: str) -> str:
        self._rows.extend(self._wrapper.add([(text, DIM)]))
        return ""

    def tail(self, rows: int) -> list[str]:
        limit = min(rows, self._rows.maxlen or 0)
        seen = [*self._rows, *deepcopy(self._wrapper).end()]
        return [ansi(row, self._colour) for row in seen[-limit:]] if limit else []

    def resize(self, columns: int) -> None:
        again = Wrapper(columns)
        rows = [row for old in self._rows for row in again.add([*old, ("\n", "")])]
        self._rows.clear()
        self._rows.extend([*rows, *self._wrapper.resize(columns)])

    def close(self) -> str:
        return ""


class Call:
    """A tool call: shown in one line, when it is whole."""

    def __init__(self, style: Style) -> None:
        self._texts: list[str] = []
        self._style = style

    def feed(self, text: str) -> str:
        self._texts.append(text)
        return ""

    def tail(self, rows: int) -> list[str]:
        return [self._style("calling a tool")]

    def resize(self, columns: int) -> None:
        pass

    def close(self) -> str:
        call = " ".join("".join(self._texts).split())
        return self._style(f"tool call: {call}") + "\n" if call else ""
