"""Where a chat's turns come from: a person's keyboard, or the lines of a pipe."""

import asyncio
import os
import sys
from asyncio import TimerHandle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runner.cli.output import note
from runner.paths import data_directory

if TYPE_CHECKING:
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.history import History

PROMPT = ">>> "
CONTINUATION = "... "

REST_SECONDS = 0.3
"""How long nothing has to be typed for what was typed to be worth reading."""


class Keyboard:
    """Turns typed at a terminal: Enter sends, Alt-Enter and Ctrl-J begin a new line, a paste stays
    whole, and what was typed is remembered for the person who owns the account alone."""

    def __init__(self, typing: Callable[[str], None]) -> None:
        """`typing` is told of what has been typed or pasted so far, whenever it rests a moment."""
        from prompt_toolkit import PromptSession

        self._typing = typing
        self._rest: TimerHandle | None = None
        self._session: PromptSession[str] = PromptSession(
            message=PROMPT,
            multiline=True,
            prompt_continuation=CONTINUATION,
            key_bindings=_keys(),
            history=_history(),
            enable_history_search=True,
            reserve_space_for_menu=0,
        )
        self._session.default_buffer.on_text_changed += self._changed

    def _changed(self, buffer: "Buffer") -> None:
        self._stop_waiting()
        clock = asyncio.get_running_loop()
        self._rest = clock.call_later(REST_SECONDS, lambda: self._typing(buffer.text))

    def _stop_waiting(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def read(self) -> str | None:
        """The next turn; None when Ctrl-D on an empty line ends the chat."""
        while True:
            try:
                text = self._session.prompt()
                self._stop_waiting()
                return text
            except EOFError:
                return None
            except KeyboardInterrupt:
                if not self._session.default_buffer.text:
                    note("/bye or Ctrl-D leaves")


class Pipe:
    """Turns read from stdin, one a line."""

    def read(self) -> str | None:
        """The next line; None at the end."""
        line = sys.stdin.readline()
        return line.rstrip("\r\n") if line else None


def _keys() -> Any:
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("enter")
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline()

    return keys


def _history() -> "History":
    """What was typed before, in a file that only its owner may read."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    path = data_directory() / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError as error:
        note(f"{path} cannot be written, so nothing typed is remembered: {error.strerror}")
        return InMemoryHistory()
    return FileHistory(str(path))
