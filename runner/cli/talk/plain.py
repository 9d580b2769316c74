"""The plain face of a chat: lines in, text out, nothing drawn again. For pipes, `--plain`, and
terminals that can do no more."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from runner.cli.errors import show
from runner.cli.output import note
from runner.cli.replies import Replying, Said, Screen, play
from runner.cli.talk.clipboard import sequence
from runner.cli.talk.face import CONTINUATION, PROMPT, Choice
from runner.cli.talk.quotes import is_open, unquoted
from runner.cli.terminal.clean import clean
from runner.cli.terminal.interrupts import on_interrupt
from runner.cli.terminal.progress import PassingLine
from runner.engine.stream import ReadProgress
from runner.errors import RunnerError
from runner.settings import Settings


class PlainFace:
    """Everything happens on the main thread. Not `interactive`: nobody can be asked."""

    def __init__(self, settings: Settings, *, interactive: bool) -> None:
        self.typing: Callable[[str], None] | None = None
        self._settings = settings
        self._interactive = interactive
        self._line = PassingLine(settings)
        self._refilled = ""

    @property
    def interactive(self) -> bool:
        return self._interactive

    def read(self) -> str | None:
        if not self._interactive:
            line = sys.stdin.readline()
            return line.rstrip("\r\n") if line else None
        while True:
            try:
                text, self._refilled = self._refilled, ""
                text = _input(PROMPT, text)
                while is_open(text):
                    text += f"\n{_input(CONTINUATION)}"
                return unquoted(text)
            except EOFError:
                print(file=sys.stderr)
                return None
            except KeyboardInterrupt:
                note("\n/bye or Ctrl-D leaves")

    def refill(self, text: str) -> None:
        self._refilled = text

    def note(self, text: str) -> None:
        self._line.clear()
        note(text)

    def error(self, error: RunnerError) -> None:
        self._line.clear()
        show(error)

    def said(self, text: str) -> None:
        self._line.clear()
        print(clean(text), flush=True)

    def beside(self, texts: Sequence[tuple[str, str]]) -> None:
        for title, text in texts:
            self.note(title)
            self.said(f"{text}\n")

    def progress(self, text: str) -> None:
        if text:
            self._line.show(text)
        else:
            self._line.clear()

    def ask(self, question: str, choices: Sequence[Choice]) -> str:
        if not self._interactive:
            return choices[0].key
        self.note(question)
        for choice in choices:
            note(f"  {choice.key}  {choice.means}")
        keys = [choice.key for choice in choices]
        try:
            while (answer := _input(f"[{'/'.join(keys)}] ").strip().lower()) not in keys:
                pass
        except (EOFError, KeyboardInterrupt):
            print(file=sys.stderr)
            return keys[0]
        return answer

    def edit(self, text: str) -> str | None:
        """On one line: lines of their own come out as spaces."""
        if not self._interactive:
            return None
        try:
            return _input("edit: ", " ".join(text.split()))
        except (EOFError, KeyboardInterrupt):
            print(file=sys.stderr)
            return None

    def clipboard(self, text: str) -> bool:
        if not sys.stdout.isatty():
            return False
        print(sequence(text), end="", flush=True)
        return True

    def stoppable(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        return on_interrupt(stop)

    def play(self, begin: Callable[[ReadProgress], Replying], *, think: str) -> Said:
        as_json = bool(self._settings.json)
        line = PassingLine(self._settings)
        screen = Screen(
            line,
            reasoning=think != "hide" and not as_json,
            answer=not as_json,
            summary=not (as_json or self._settings.quiet),
        )
        try:
            said = play(begin(line.reading), screen)
        finally:
            line.clear()
        if self._interactive:
            print()
        return said


def _input(prompt: str, text: str = "") -> str:
    """A line typed by a person, with `text` typed already where that can be."""
    if not sys.stdout.isatty():  # it is for the results
        print(prompt, end="", file=sys.stderr, flush=True)
        prompt = ""
    try:
        import readline
    except ImportError:  # Windows
        return input(prompt)
    if text:
        readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        return input(prompt)
    finally:
        readline.set_startup_hook()
