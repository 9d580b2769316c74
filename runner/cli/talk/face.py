"""What the loop of a chat asks of the place where it is typed and shown.

The loop is plain and synchronous; at a terminal it runs on a thread of its own, so that keys are
answered while a model computes. All methods may be called from any thread.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # A terminal shows its prompt before the model's half of the program is imported.
    from runner.cli.replies import Replying, Said
    from runner.engine.stream import ReadProgress
    from runner.errors import RunnerError

PROMPT = ">>> "
CONTINUATION = "... "


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question: the key that gives it, and what it means in a few words."""

    key: str
    means: str


class Face(Protocol):
    """A terminal, or a pipe."""

    typing: Callable[[str], None] | None
    """Told of what has been typed or pasted so far, whenever it rests a moment; on the thread that
    reads, while it waits for the turn."""

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""

    def read(self) -> str | None:
        """The next turn that was typed; None at the end. Turns typed meanwhile wait."""

    def refill(self, text: str) -> None:
        """Put a text back where it was typed, to be sent again or changed."""

    def note(self, text: str) -> None:
        """A remark; may have several lines."""

    def error(self, error: "RunnerError") -> None:
        """What went wrong, and what to do."""

    def said(self, text: str) -> None:
        """A finished text, shown as answers are."""

    def beside(self, texts: Sequence[tuple[str, str]]) -> None:
        """Finished texts, each with its title: next to each other where there is room."""

    def progress(self, text: str) -> None:
        """What is going on now, in a line that passes; an empty one takes it away."""

    def ask(self, question: str, choices: Sequence[Choice]) -> str:
        """The key of the choice a person takes; the first one's where none can be asked or they
        give no answer."""

    def edit(self, text: str) -> str | None:
        """The text as a person changed it; None where they gave it up."""

    def clipboard(self, text: str) -> bool:
        """Let the terminal put a text on the clipboard of the machine it runs on (OSC 52); False
        where there is no terminal."""

    def stoppable(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """In this block Ctrl-C calls `stop`, from any thread; where the person has left already,
        `stop` is called at once."""

    def play(self, begin: "Callable[[ReadProgress], Replying]", *, think: str) -> "Said":
        """Begin a reply and show it to its end. `begin` is given what is to be told of the
        prompt's tokens read. `think` is "show", "fold" or "hide". Ctrl-C stops the reply alone."""
