"""A talk without a model, for tests of the screen alone: `python -m tests.terminal.talker`.

What is typed says what to do: `say WORDS`, `think show|fold|hide`, `long N`, `busy`, `ask` … Some
replies wait in their middle until SIGUSR1 lets them go on.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.talk.face import Choice
from runner.cli.terminal.screen import TerminalFace
from runner.errors import ConfigurationError
from runner.settings import load

if TYPE_CHECKING:
    # A talk that begins no reply does without the model's half of the program.
    from runner.engine.events import Event, Finish
    from runner.engine.stream import ReadProgress
    from runner.prompt import Kind

RATE = 200.0
"""Tokens a second."""

WAIT = "\0"
"""A word that is not said: the reply waits until it is let go on."""

go_on = threading.Event()

THOUGHTS = "".join(f"Thought number {number} leads to the next. " for number in range(30))
HELD_THOUGHTS = THOUGHTS.replace("Thought number 20", f"{WAIT} Thought number 20")


class Replayed:
    """A reply that is known before, a word a token. It ends early where it is cancelled."""

    def __init__(self, *parts: "tuple[Kind, str]", rate: float = RATE) -> None:
        self._parts = parts
        self._rate = rate
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def finish(self) -> "Finish":
        from runner.engine.events import Finish, Timings

        return Finish("end", Timings(9, 3, 0.1, 9, 0.1, 0.1, 0.2), seed=1)

    def __iter__(self) -> "Iterator[Event]":
        from runner.engine.events import Event

        for kind, text in self._parts:
            for word in text.split(" "):
                if self._cancelled.wait(1 / self._rate):
                    return
                if word == WAIT:
                    while not go_on.wait(0.01):
                        if self._cancelled.is_set():
                            return
                    continue
                yield Event(kind, word + " ", (1,), time.perf_counter())


class Talker:
    """Answers on a face."""

    def __init__(self, face: TerminalFace) -> None:
        self._face = face
        self._think = "fold"
        face.typing = lambda text: face.note(f"resting: {text}") if "aloud" in text else None

    def run(self) -> None:
        self._face.note("ready")
        while (text := self._face.read()) is not None:
            command, _, rest = text.partition(" ")
            if command == "bye":
                break
            action = getattr(self, f"_{command}", None)
            if action is None:
                self._face.note(f"heard {text!r}")
            else:
                action(rest)
        self._face.note("left")
        if path := os.environ.get("TALKER_LEFT"):
            Path(path).touch()

    def _say(self, text: str) -> None:
        self._reply(("answer", text))

    def _reason(self, text: str) -> None:
        self._reply(("reasoning", THOUGHTS), ("answer", text))

    def _ponder(self, text: str) -> None:
        """Reason, and wait after twenty thoughts."""
        self._reply(("reasoning", HELD_THOUGHTS), ("answer", text))

    def _long(self, count: str) -> None:
        lines = "".join(f"line {number}\n\n" for number in range(int(count)))
        self._reply(("answer", lines), rate=1e6)

    def _paragraph(self, count: str) -> None:
        self._reply(("answer", " ".join(f"word{number}" for number in range(int(count)))))

    def _half(self, count: str) -> None:
        """A paragraph, with a wait after its first half."""
        words = [f"word{number}" for number in range(int(count))]
        words.insert(len(words) // 2, WAIT)
        self._reply(("answer", " ".join(words)))

    def _call(self, text: str) -> None:
        self._reply(("answer", "I look it up."), ("tool_call", text))

    def _reply(self, *parts: "tuple[Kind, str]", rate: float = RATE) -> None:
        said = self._face.play(lambda _: Replayed(*parts, rate=rate), think=self._think)
        words = len(said.texts["answer"].split())
        self._face.note(f"said {words} words")

    def _thinking(self, how: str) -> None:
        self._think = how

    def _prefill(self, text: str) -> None:
        """Read a prompt that never ends."""
        reply = Replayed(("answer", "never"), rate=1e-6)

        def begin(progress: "ReadProgress") -> Replayed:
            progress(512, 2048)
            return reply

        self._face.play(begin, think="fold")
        self._face.refill(text)

    def _busy(self, _: str) -> None:
        stopped = threading.Event()
        with self._face.stoppable(stopped.set):
            self._face.progress("loading tiny: 42%")
            stopped.wait()
        self._face.progress("")
        self._face.note("no longer busy")

    def _chain(self, count: str) -> None:
        """Something that takes long, and a reply after it, as with tools."""
        self._busy("")
        self._paragraph(count)

    def _confirm(self, count: str) -> None:
        self._ask(" ".join(f"argument{number}" for number in range(int(count))))

    def _ask(self, question: str) -> None:
        choices = [Choice("s", "stop here"), Choice("d", "drop the oldest turns")]
        self._face.note(f"chosen {self._face.ask(question, choices)}")

    def _edit(self, text: str) -> None:
        self._face.note(f"edited {self._face.edit(text)!r}")

    def _print(self, text: str) -> None:
        print(text)
        print("on stderr", file=sys.stderr)

    def _error(self, text: str) -> None:
        self._face.error(ConfigurationError(text, remedy="Do\nthis."))

    def _raise(self, text: str) -> None:
        raise ValueError(text)

    def _copy(self, text: str) -> None:
        self._face.clipboard(text)
        self._face.said(f"copied **{text}**")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: go_on.set())
    face = TerminalFace(load({"keys": sys.argv[1] if len(sys.argv) > 1 else None}))
    face.run(Talker(face).run)
    print("after the screen")
