"""A face whose person is a script: what is typed, what is answered, where Ctrl-C is pressed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from runner.cli.replies import Replying, Said
from runner.cli.talk.face import Choice
from runner.engine.stream import ReadProgress
from runner.errors import RunnerError

Turn = str | Callable[["ScriptedFace"], str | None]
"""What is typed; or what makes it from what is on the face by then, or None for nothing."""


class ScriptedFace:
    """Implements `runner.cli.talk.face.Face`. What was shown is in `notes`, `answers`, `errors`,
    `questions` and `beside_each_other`, in order."""

    def __init__(
        self,
        *typed: Turn,
        answers: Sequence[str] = (),
        edits: Sequence[str | None] = (),
        interactive: bool = True,
    ) -> None:
        """`answers` are given to questions in turn, then the first choice; `edits` take the place
        of texts in turn."""
        self.typing: Callable[[str], None] | None = None
        self.interactive = interactive
        self.notes: list[str] = []
        self.said_texts: list[str] = []
        self.answers: list[str] = []
        self.reasonings: list[str] = []
        self.errors: list[RunnerError] = []
        self.questions: list[tuple[str, list[str]]] = []
        self.beside_each_other: list[list[tuple[str, str]]] = []
        self.edited: list[str] = []
        self.refilled = ""
        """What is in the line, until a turn is typed."""
        self.interrupt_after: int | None = None
        """Events of the next reply after which Ctrl-C is pressed."""
        self.interrupt_at: str | None = None
        """Words of the next progress at which Ctrl-C is pressed."""
        self.leave_at: str | None = None
        """Words of the next progress at which the person leaves."""
        self.left = False
        self._stops: list[Callable[[], None]] = []
        self._typed = list(typed)
        self._choices = list(answers)
        self._edits = list(edits)

    def read(self) -> str | None:
        while self._typed and not self.left:
            turn = self._typed.pop(0)
            text = turn if isinstance(turn, str) else turn(self)
            if text is not None:
                self.refilled = ""
                return text
        return None

    def refill(self, text: str) -> None:
        self.refilled = f"{text}\n{self.refilled}" if self.refilled else text

    def note(self, text: str) -> None:
        self.notes.append(text)

    def error(self, error: RunnerError) -> None:
        self.errors.append(error)

    def said(self, text: str) -> None:
        self.said_texts.append(text)

    def beside(self, texts: Sequence[tuple[str, str]]) -> None:
        self.beside_each_other.append(list(texts))

    def progress(self, text: str) -> None:
        if self.interrupt_at is not None and self.interrupt_at in text:
            self.interrupt_at = None
            self._stops[-1]()
        if self.leave_at is not None and self.leave_at in text:
            self.left = True
            for stop in self._stops:
                stop()

    def ask(self, question: str, choices: Sequence[Choice]) -> str:
        keys = [choice.key for choice in choices]
        self.questions.append((question, keys))
        return self._choices.pop(0) if self._choices else keys[0]

    def edit(self, text: str) -> str | None:
        self.edited.append(text)
        return self._edits.pop(0) if self._edits else text

    def clipboard(self, text: str) -> bool:
        return False

    @contextmanager
    def stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        self._stops.append(stop)
        if self.left:
            stop()
        try:
            yield
        finally:
            self._stops.remove(stop)

    def play(self, begin: Callable[[ReadProgress], Replying], *, think: str) -> Said:
        said, reply = Said(), begin(lambda done, total: None)
        after, self.interrupt_after = self.interrupt_after, None
        with self.stoppable(reply.cancel):
            if after == 0:
                reply.cancel()
            for number, event in enumerate(reply, 1):
                said.hear(event)
                if number == after:
                    reply.cancel()
        self.answers.append(said.texts["answer"].strip())
        self.reasonings.append(said.texts["reasoning"].strip())
        return said
