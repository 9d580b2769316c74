"""What is on the screen of a chat, and what its keys do. From the top down:

    finished text       printed once, and the terminal's own from then on
    live rows           what a reply says now
    status, queue       in the application of prompt_toolkit, with a question and the input line
    >>> input line

All of it is for the screen's thread alone.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.filters import Condition

from runner.cli.talk.face import CONTINUATION, PROMPT
from runner.cli.talk.quotes import is_open
from runner.cli.terminal.above import Above
from runner.cli.terminal.asking import Question, Turns
from runner.cli.terminal.clean import clean
from runner.cli.terminal.input import InputLine
from runner.cli.terminal.keys import bindings
from runner.cli.terminal.layout import application, question_rows

if TYPE_CHECKING:
    from runner.cli.terminal.shown import Shown
    from runner.settings import Settings

REST_SECONDS = 0.3
"""How long nothing has to be typed for what was typed to be worth reading."""

HINT = 4.0
"""Seconds a hint is seen."""

ECHOED = 20
"""Lines of a turn that are printed again when it is sent."""


class ChatApplication:
    """The screen of a chat. Turns that are sent, and answers, go to who waits for them."""

    def __init__(self, settings: "Settings") -> None:
        self.colour = not os.environ.get("NO_COLOR")
        self.turns = Turns()
        self.stops: list[Callable[[], None]] = []
        """What Ctrl-C stops: the last of them."""
        self.status = ""
        self._hint = ""
        self._question: Question | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._shown: Shown | None = None
        self._playing = False
        self._left: list[str] = []
        self.input = InputLine(remember=settings.save is not False)
        self.app = application(
            self.input,
            bindings(self, Condition(lambda: bool(self.input.buffer.text))),
            status=self._status_line,
            queued=self._queue,
            question=lambda: self._question.text if self._question else "",
            choices=lambda: self._question.choices if self._question else "",
            vi=settings.keys == "vi",
            colour=self.colour,
        )
        self.above = Above(self.app, self._frame)
        self.input.buffer.on_text_changed += lambda _: self._typed()

    # What the screen is made of.

    @property
    def question_rows(self) -> int:
        """How many rows of a question are seen at most."""
        return question_rows(self.app)

    def _status_line(self) -> str:
        playing = self._shown.status if self._shown and self._playing else ""
        return clean(self._hint or self.status or playing)

    def _queue(self) -> list[str]:
        return [" ".join(clean(text).split()) for text in self.turns.waiting]

    def _frame(self, columns: int, rows: int) -> tuple[str, list[str]]:
        """What is new of the reply."""
        if self._shown is None:
            return "", []
        self._shown.resize(columns)
        finished, live = self._shown.frame(rows)
        return finished, live if self._playing else []

    def dim(self, text: str) -> str:
        """A text set back from others."""
        return f"\x1b[2m{text}\x1b[22m" if text and self.colour else text

    # What is shown on it.

    def play(self, shown: "Shown") -> None:
        """A reply begins."""
        self._shown, self._playing = shown, True

    def played(self, shown: "Shown") -> None:
        """The reply is over."""
        shown.close()
        self.above.print(shown.frame(0)[0])
        self._playing = False

    def pose(self, question: Question) -> None:
        """Ask; who has left gives no answer."""
        if self.turns.ended:
            question.settle(None)
        else:
            self._question = question
            self.input.lend(question.prompt, question.beginning)

    def echo(self, text: str) -> None:
        """What was sent, as it was typed."""
        first, *more = clean(text).split("\n")
        kept = more[: ECHOED - 1]
        lines = [PROMPT + first, *(CONTINUATION + line for line in kept)]
        if left := len(more) - len(kept):
            lines.append(self.dim(f"{CONTINUATION}{left} more lines"))
        self.above.print("\n" + "\n".join(lines) + "\n")

    def end(self) -> None:
        """The talk is over, so the screen is."""
        self._shown, self._playing, self.status, self._hint = None, False, "", ""
        if self._runs:
            self.app.exit()

    def fail(self, error: Exception) -> None:
        """End with a fault of the screen itself."""
        if self._runs:
            self.app.exit(exception=error)

    @property
    def _runs(self) -> bool:
        return self.app.is_running and not self.app.is_done

    # What keys do.

    def enter(self) -> None:
        """Send what was typed, or answer what was asked."""
        text = self.input.buffer.text
        if self._question is None and is_open(text):
            self.input.buffer.newline(copy_margin=False)
        elif self._question is None:
            if text.strip():
                self.turns.put(self.input.accept())
                if self.input.remark:
                    self._say(self.input.remark)
                    self.input.remark = ""
        elif self._question.accepts(text):
            self._settle(text)
        else:
            self._say(f"answer {' or '.join(self._question.keys)}, then Enter")

    def _settle(self, answer: str | None) -> None:
        """The question is answered, or given up."""
        if self._question is not None:
            question, self._question = self._question, None
            self.input.give_back()
            question.settle(answer)

    def interrupt(self) -> None:
        """Give up a question; stop what runs; clear the line; or say how to leave."""
        if self._question is not None:
            self._settle(None)
        elif self.turns.ended:
            self.give_up()
        elif self.stops:
            self.stops[-1]()
        elif self.input.buffer.text:
            self.input.buffer.reset()
        else:
            self._say("/bye or Ctrl-D leaves")

    def leave(self) -> None:
        """End the chat; with a question open, only that."""
        if self._question is not None:
            self._settle(None)
        elif self.turns.ended:
            self.give_up()
        else:
            self.leave_now()

    def give_up(self) -> None:
        """Leave without waiting for the talk to end."""
        if self._runs:
            self.app.exit(exception=KeyboardInterrupt())

    def leave_now(self) -> None:
        """End the chat: what runs is stopped, and so is what begins from now on."""
        self._left += self.turns.end()
        self._settle(None)
        for stop in tuple(self.stops):
            stop()

    def tell_unsent(self) -> None:
        """Say what was typed and is not sent: it may be kept nowhere else."""
        for text in (*self._left, self.input.buffer.text):
            if text.strip():
                lines = clean(text).replace("\n", f"\n{CONTINUATION}")
                self.above.print(f"{self.dim('not sent:')}\n{PROMPT}{lines}\n")

    def unfold(self) -> None:
        """Show the reasoning of the last reply."""
        if self._shown is None or not self._shown.unfold():
            self._say("there is no reasoning that is folded")
        self.above.draw()

    def redraw(self) -> None:
        """Begin on an empty screen."""
        self.above.clear()
        self.above.draw()

    def recall(self) -> bool:
        """Take the last turn that waits back into the line; not while it is lent to a question."""
        if self._question is not None:
            return True
        text = self.turns.recall()
        if text is not None:
            self.input.put(text)
        return text is not None

    async def edit_elsewhere(self) -> None:
        """Change the text in the person's editor."""
        from runner.cli.terminal import editor
        from runner.errors import ConfigurationError

        asked, text = self._question, self.input.buffer.text
        try:
            with self.above.away():
                text = await run_in_terminal(lambda: editor.changed(text), in_executor=True)
        except ConfigurationError as error:
            self._say(" ".join(f"{error.message}. {error.remedy}".split()))
        else:
            self.input.change(text, draft=self._question is not asked)

    async def suspend(self) -> None:
        """Go to the background of the shell."""
        if sys.platform != "win32":
            with self.above.away():
                await run_in_terminal(lambda: os.kill(0, signal.SIGTSTP))

    def _say(self, hint: str) -> None:
        """A hint, for a moment."""
        self._hint = hint
        self.app.invalidate()
        loop = asyncio.get_running_loop()
        loop.call_later(HINT, self._forget, hint)

    def _forget(self, hint: str) -> None:
        if self._hint == hint:
            self._hint = ""
            self.app.invalidate()

    def _typed(self) -> None:
        """Something was typed: when it rests, whoever reads is told."""
        if self._rest is not None:
            self._rest.cancel()
        self._rest = None
        if self._question is None and self.app.is_running:
            loop = asyncio.get_running_loop()
            self._rest = loop.call_later(
                REST_SECONDS, lambda: self.turns.rest(self.input.buffer.text)
            )
