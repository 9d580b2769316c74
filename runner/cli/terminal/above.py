"""What stands above the input line: finished text, which is printed once and then belongs to the
terminal, and below it live rows, which are drawn again as they change.

prompt_toolkit draws the input line and what is around it, and nothing above. This prints and draws
right before it does, in one write with it, so that no half-drawn screen is ever seen.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING

from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.output import Output

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Around what a terminal shows at once, if it knows this; others leave it out."""

STYLE = re.compile(r"\x1b\[[\d;]*m")
SAVE, RESTORE = "\x1b7", "\x1b8"  # the cursor's place
ERASE_ROW = "\x1b[2K"
CUT, WRAP = "\x1b[?7l", "\x1b[?7h"  # what is wider than the screen

# Terminals that break the rows on the screen anew when they are made narrower tell who they are by
# these. Of one that does not, such as xterm, nothing is known here.
REFLOWING = (
    "ALACRITTY_WINDOW_ID",
    "GHOSTTY_RESOURCES_DIR",
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "TERM_PROGRAM",
    "TMUX",
    "VTE_VERSION",
    "WEZTERM_PANE",
    "WT_SESSION",
)

Frame = Callable[[int, int], tuple[str, list[str]]]
"""Given the terminal's columns and the rows there may be: what is finished since it was called
last, in whole lines, and the live rows, each at most as wide as the terminal."""


class _Holding(Vt100_Output):
    """An output that can be told to wait before it writes."""

    held = False
    responds_to_cpr = False  # where the cursor is, is not asked: some terminals never answer

    def flush(self) -> None:
        if not self.held:
            super().flush()


def terminal_output() -> "Output":
    """The terminal on stdout."""
    if sys.platform == "win32":
        return create_output(sys.stdout)
    return _Holding.from_pty(sys.stdout)


class Above:
    """The rows above the application `app`, which draws on `terminal_output()`."""

    def __init__(self, app: "Application[None]", frame: Frame) -> None:
        self._app = app
        self._output = app.output
        self._frame = frame
        self._finished: list[str] = []
        self._live: list[str] = []
        self._drawn: list[str] = []
        """The live rows on the screen, right above the application's first row."""
        self._columns = self.columns
        self._due = self._away = False
        app.before_render += lambda _: self._paint()
        app.after_render += lambda _: self._release()

    @property
    def columns(self) -> int:
        """The terminal's width."""
        return self._output.get_size().columns

    def print(self, text: str) -> None:
        """Print whole lines with the next drawing."""
        if text:
            self._finished.append(text)

    def draw(self) -> None:
        """Draw soon, with a new frame."""
        self._due = True
        self._app.invalidate()

    def send(self, sequence: str) -> None:
        """Tell the terminal something that it does not print."""
        self._output.write_raw(sequence)
        self._output.flush()

    def take(self) -> str:
        """What is still to be printed, for who prints it otherwise."""
        text = "".join(self._finished)
        self._finished.clear()
        return text

    def clear(self) -> None:
        """Begin on an empty screen; what scrolled away is not touched."""
        self._app.renderer.clear()
        self._drawn = []

    @contextmanager
    def away(self) -> Iterator[None]:
        """In this block something else has the terminal: leave nothing that would be drawn over."""
        self._app.renderer.erase()
        self._erase_live()
        self._output.flush()
        self._away = True
        try:
            yield
        finally:
            self._away = False
            self.draw()

    def _paint(self) -> None:
        columns, room = self.columns, self._room()
        resized = columns != self._columns
        if self._due or resized:
            finished, self._live = self._frame(columns, room)
            self.print(finished)
        live = self._live[-room:] if room and not self._away else []
        if self._finished or resized or len(live) != len(self._drawn):
            self._print_and_draw(live)
        elif live != self._drawn:
            self._draw_over(live)
        self._drawn, self._columns, self._due = live, columns, False

    def _room(self) -> int:
        """How many live rows there may be. Half of the screen, because rows that scroll away when a
        window is made lower cannot be taken back; less where the application wants more."""
        size = self._output.get_size()
        wanted = self._app.layout.container.preferred_height(size.columns, size.rows).preferred
        return max(min(size.rows // 2, size.rows - wanted - 1), 0)

    def _print_and_draw(self, live: list[str]) -> None:
        """Take the live rows and the application away, print, and draw the live rows below."""
        self._hold()
        self._app.renderer.erase()
        self._erase_live()
        # Rows are counted, so none may wrap, also where the window was narrowed just now.
        text = self.take() + CUT + "".join(f"{row}\n" for row in live) + WRAP
        self._output.write_raw(text.replace("\n", "\r\n"))

    def _draw_over(self, live: list[str]) -> None:
        """Draw only the rows that changed, and leave the cursor where it is."""
        self._hold()
        same = 0
        while live[same] == self._drawn[same]:
            same += 1
        up = len(live) - same + self._cursor_row
        rows = "\r\n".join(ERASE_ROW + row for row in live[same:])
        self._output.write_raw(f"{SAVE}{CUT}\x1b[{up}A\r{rows}{WRAP}{RESTORE}")

    @property
    def _cursor_row(self) -> int:
        """How far the cursor is below the application's first row."""
        screen = self._app.renderer.last_rendered_screen
        return screen.get_cursor_position(self._app.layout.current_window).y if screen else 0

    def _erase_live(self) -> None:
        """With the cursor at the start of the row below the live rows."""
        if self._drawn:
            self._output.cursor_up(sum(map(self._height, self._drawn)))
            self._output.erase_down()
        self._drawn = []

    def _height(self, row: str) -> int:
        """How many rows a live row takes: more than one after the terminal was made narrower, if
        it is one that breaks rows anew."""
        if self.columns >= self._columns or not any(map(os.environ.get, REFLOWING)):
            return 1
        from runner.cli.terminal.markdown.rows import columns

        return max(ceil(columns(STYLE.sub("", row)) / self.columns), 1)

    def _hold(self) -> None:
        if isinstance(self._output, _Holding) and not self._output.held:
            self._output.held = True
            self._output.write_raw(BEGIN)

    def _release(self) -> None:
        if isinstance(self._output, _Holding) and self._output.held:
            self._output.held = False
            self._output.write_raw(END)
            self._output.flush()
