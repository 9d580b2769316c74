"""The input line of a chat: what is being typed, its history, and texts of several lines."""

import os
from collections.abc import Sequence

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.layout import BufferControl, Dimension, Window
from prompt_toolkit.layout.containers import Container
from prompt_toolkit.layout.menus import CompletionsMenuControl
from prompt_toolkit.layout.processors import HighlightIncrementalSearchProcessor
from prompt_toolkit.widgets import SearchToolbar

from runner.cli.talk.face import CONTINUATION, PROMPT
from runner.cli.talk.quotes import unquoted
from runner.cli.terminal.completion import ChatCompleter, offers_at_once
from runner.paths import data_directory


class InputLine:
    """The line, the menu of what could complete it, and the line of a search in the history."""

    def __init__(self, *, remember: bool) -> None:
        """`remember`: whether what is typed is kept on this disk."""
        self.remark = ""
        """Why something is not remembered that should be."""
        self.buffer = Buffer(
            multiline=True,
            history=self._history() if remember else InMemoryHistory(),
            enable_history_search=True,
            completer=ThreadedCompleter(ChatCompleter()),
            complete_while_typing=Condition(lambda: offers_at_once(self.buffer.document)),
        )
        self._prompt = PROMPT
        self._draft: Document | None = None
        self._search = SearchToolbar(ignore_case=True)
        self.window = Window(
            BufferControl(
                self.buffer,
                search_buffer_control=self._search.control,
                input_processors=[HighlightIncrementalSearchProcessor()],
                preview_search=True,
            ),
            height=self._height,
            wrap_lines=True,
            dont_extend_height=True,
            get_line_prefix=self._prefix,
        )

    def containers(self) -> Sequence[Container]:
        """From the top down."""
        from prompt_toolkit.filters import has_completions, is_done
        from prompt_toolkit.layout import ConditionalContainer, VSplit

        menu = Window(
            CompletionsMenuControl(),
            height=Dimension(min=1, max=8),
            dont_extend_width=True,
            dont_extend_height=True,
            style="class:completion-menu",
        )
        indent = Window(width=len(PROMPT), dont_extend_height=True)
        shown = has_completions & ~is_done
        return (
            self.window,
            self._search.__pt_container__(),
            ConditionalContainer(VSplit([indent, menu]), shown),
        )

    def accept(self) -> str:
        """What was typed, which is remembered; the line is empty then. Where it cannot be kept,
        `remark` says why."""
        text = self.buffer.text
        if text.strip() and self._draft is None:
            try:
                self.buffer.append_to_history()
            except OSError as error:
                self.remark = _not_kept(error)
        self.buffer.reset()
        return unquoted(text)

    def put(self, text: str) -> None:
        """Put a text in front of what is typed."""
        rest = self.buffer.text
        whole = f"{text}\n{rest}" if rest else text
        self.buffer.document = Document(whole, len(text))

    def lend(self, prompt: str, text: str) -> None:
        """Use the line for something else, beginning with `text`. What was typed is put aside."""
        if self._draft is None:
            self._draft = self.buffer.document
        self._prompt = prompt
        self.buffer.document = Document(text)

    def give_back(self) -> None:
        """What was typed stands there again."""
        draft, self._draft = self._draft, None
        self._prompt = PROMPT
        self.buffer.reset(draft)

    def change(self, text: str, *, draft: bool) -> None:
        """This is what is typed now; or, with `draft`, what was put aside."""
        document = Document(text)
        if draft:
            self._draft = document
        else:
            self.buffer.document = document

    def _prefix(self, number: int, wraps: int) -> str:
        if wraps:
            return " " * len(self._prompt)
        return CONTINUATION.rjust(len(self._prompt)) if number else self._prompt

    def _height(self) -> Dimension:
        from prompt_toolkit.application import get_app

        return Dimension(min=1, max=max(get_app().output.get_size().rows // 3, 1))

    def _history(self) -> History:
        """What was typed before, in a file that only its owner may read."""
        path = data_directory() / "history"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            path.chmod(0o600)
        except OSError as error:
            self.remark = _not_kept(error)
            return InMemoryHistory()
        return FileHistory(str(path))


def _not_kept(error: OSError) -> str:
    return f"what is typed is not remembered: {error.filename}: {error.strerror}"
