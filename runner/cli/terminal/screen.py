"""The chat at a terminal. Keys are answered by the main thread at any time; what runs the chat is a
thread of its own, and what it wants shown waits for the next frame."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from runner.cli.terminal.application import ChatApplication
from runner.cli.terminal.asking import Question
from runner.cli.terminal.clean import clean
from runner.cli.terminal.frames import Frames
from runner.cli.terminal.interrupts import on_termination
from runner.cli.terminal.lines import redirected

if TYPE_CHECKING:
    from runner.cli.replies import Replying, Said
    from runner.cli.talk.face import Choice
    from runner.engine.stream import ReadProgress
    from runner.errors import RunnerError
    from runner.settings import Settings


class TerminalFace:
    """The face of a chat at a terminal: see `runner.cli.talk.face.Face`."""

    interactive = True

    def __init__(self, settings: "Settings") -> None:
        self.typing: Callable[[str], None] | None = None
        self._screen = ChatApplication(settings)
        self._above = self._screen.above
        self._colour = self._screen.colour
        self._frames = Frames(self._above.draw, self._print_rest)
        self._tell = self._frames.tell
        self._signal: int | None = None
        self._prepared = False

    # Running.

    def run(self, talk: Callable[[], None]) -> None:
        """Be a terminal while `talk` runs, on a thread that begins after the first drawing. On the
        main thread. Raises what `talk` raises, and KeyboardInterrupt where it did not come back."""
        failures: list[BaseException] = []

        def work() -> None:
            try:
                talk()
            except BaseException as error:
                failures.append(error)
            finally:
                self._tell(self._screen.end)

        thread = threading.Thread(target=work, name="talk", daemon=True)

        def begun(_: object) -> None:
            if not thread.ident:
                thread.start()

        self._screen.app.after_render += begun
        with on_termination(self._asked_to_end):
            try:
                gone = self._until_over()
                if gone is not None:
                    self._tell(self._screen.leave_now)
                if thread.ident:
                    thread.join()
            finally:
                self._tell(self._screen.tell_unsent)
        if self._signal is not None:
            signal.raise_signal(self._signal)
        if failures:
            raise failures[0]
        if isinstance(gone, OSError):
            raise gone

    def _until_over(self) -> EOFError | OSError | None:
        """Be a terminal until the talk is over, or the terminal is gone; how that was told."""

        def begin() -> None:
            self._frames.begin()
            asyncio.get_running_loop().set_exception_handler(self._failed)
            if self._screen.input.remark:
                self.note(self._screen.input.remark)
                self._screen.input.remark = ""

        try:
            with redirected(self.note):
                self._screen.app.run(pre_run=begin, set_exception_handler=False)
        except (EOFError, OSError) as error:
            return error
        finally:
            self._frames.end()
        return None

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A fault in the screen itself ends the chat with it."""
        error = context.get("exception")
        self._screen.leave_now()
        if isinstance(error, Exception):
            self._screen.fail(error)

    def _asked_to_end(self, number: int) -> None:
        """The process is asked to end: the chat leaves first, for the terminal must be as it was
        before. Asked again, it does not wait for that."""
        if self._signal is None:
            self._tell(self._screen.leave_now)
        elif self._frames.over:
            raise KeyboardInterrupt
        else:
            self._tell(self._screen.give_up)
        self._signal = number

    def _print_rest(self) -> None:
        """After the screen is over, what is still said is printed as anything else."""
        with suppress(OSError):  # the terminal is gone, and nobody there to be told
            print(self._above.take(), end="", flush=True)

    # The face.

    def read(self) -> str | None:
        """The next turn that was typed; None at the end. Turns typed meanwhile wait."""
        self._prepare()
        text = self._screen.turns.take(self.typing)
        if text is not None:
            self._tell(partial(self._screen.echo, text))
        return text

    def _prepare(self) -> None:
        """While a person types, import what replies are drawn with: keys would wait for it."""
        if not self._prepared:
            self._prepared = True
            from runner.cli.terminal.markdown import rendered

            rendered("*text*\n\n```python\ncode\n```", 80)

    def refill(self, text: str) -> None:
        """Put a text back where it was typed, to be sent again or changed."""
        self._tell(partial(self._screen.input.put, text))

    def note(self, text: str) -> None:
        """A remark; may have several lines."""
        from runner.cli.terminal.markdown.style import DIM

        self._note(text, DIM)

    def _note(self, text: str, style: str) -> None:
        from runner.cli.terminal import notes

        lines = notes.note(text, self._above.columns, style=style, colour=self._colour)
        self._tell(partial(self._above.print, lines))

    def error(self, error: "RunnerError") -> None:
        """What went wrong, and what to do."""
        message, remedy = (" ".join(text.split()) for text in (error.message, error.remedy))
        self._note(f"error: {message}" + (f"\n{remedy}" if remedy else ""), "")

    def said(self, text: str) -> None:
        """A finished text, shown as answers are."""
        from runner.cli.terminal.markdown import rendered

        answer = rendered(clean(text), self._above.columns, colour=self._colour)
        self._tell(partial(self._above.print, answer.rstrip("\n") + "\n"))

    def beside(self, texts: Sequence[tuple[str, str]]) -> None:
        """Finished texts, each with its title: next to each other where there is room."""
        from runner.cli.terminal.columns import columns

        text = columns(texts, self._above.columns, colour=self._colour)
        self._tell(partial(self._above.print, text))

    def clipboard(self, text: str) -> bool:
        """Let the terminal put a text on its clipboard (OSC 52). Whether it did it does not say."""
        from runner.cli.talk.clipboard import sequence

        self._tell(partial(self._above.send, sequence(text)))
        return True

    def progress(self, text: str) -> None:
        """What is going on now, in a line that passes; an empty one takes it away."""
        self._tell(lambda: setattr(self._screen, "status", text))

    def ask(self, question: str, choices: "Sequence[Choice]") -> str:
        """The key of the choice a person takes; the first one's where they give no answer. A
        question that is longer than a part of the screen stands above it, where all of it can be
        read."""
        from runner.cli.terminal import notes

        keys = [choice.key for choice in choices]
        means = "\n".join(f"  {choice.key}  {choice.means}" for choice in choices)
        rows = notes.note(question, self._above.columns, style="", colour=False).splitlines()
        long = len(rows) > self._screen.question_rows
        if long:
            self._note(question, "")
        short = f"{rows[0][:-1]}… (the whole of it is above)" if long else question
        key = self._answered(Question(clean(short), "/".join(keys) + "? ", keys, clean(means)))
        key = key or keys[0]
        meant = next(choice.means for choice in choices if choice.key == key)
        self.note(f"{key}: {meant}" if long else f"{question}\n{key}: {meant}")
        return key

    def edit(self, text: str) -> str | None:
        """The text as a person changed it; None where they gave it up."""
        keys = "Enter takes the text, Ctrl-C gives it up, Ctrl-G opens it in your editor"
        return self._answered(Question(keys, "edit> ", beginning=text))

    def _answered(self, question: Question) -> str | None:
        self._tell(partial(self._screen.pose, question))
        return question.answer()

    @contextmanager
    def stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        """In this block Ctrl-C calls `stop`, on the screen's thread. It is called at once where
        the person has left."""
        self._screen.stops.append(stop)
        try:
            if self._screen.turns.ended:
                stop()
            yield
        finally:
            self._screen.stops.remove(stop)

    def play(self, begin: "Callable[[ReadProgress], Replying]", *, think: str) -> "Said":
        """Begin a reply and show it to its end. Ctrl-C stops the reply alone."""
        from runner.cli.replies import Said
        from runner.cli.terminal.shown import Shown

        said = Said()
        shown = Shown(think, self._above.columns, self._screen.dim, colour=self._colour)
        stopped = threading.Event()
        reply: Replying | None = None

        def stop() -> None:
            stopped.set()
            if reply is not None:
                reply.cancel()

        def progress(done: int, total: int) -> None:
            self._tell(lambda: setattr(shown, "read", f"read {done} of {total} tokens"))

        self._tell(partial(self._screen.play, shown))
        try:
            with self.stoppable(stop):
                reply = begin(progress)
                if stopped.is_set():
                    reply.cancel()
                for event in reply:
                    said.hear(event)
                    self._tell(partial(shown.hear, event))
        finally:
            self._tell(partial(self._screen.played, shown))
        return said
