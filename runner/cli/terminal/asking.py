"""What passes between the thread of the keys and the thread of the talk: the turns that were typed,
and the answers to what was asked."""

import threading
from collections import deque
from collections.abc import Callable, Sequence


class Question:
    """Something a person is asked, and answers in the input line."""

    def __init__(
        self,
        text: str,
        prompt: str,
        keys: Sequence[str] = (),
        choices: str = "",
        *,
        beginning: str = "",
    ) -> None:
        """`choices` says what the keys mean. Without `keys` any text is an answer; it is
        `beginning`, changed."""
        self.text = text
        self.prompt = prompt
        self.keys = keys
        self.choices = choices
        self.beginning = beginning
        self._answer: str | None = None
        self._answered = threading.Event()

    def accepts(self, text: str) -> bool:
        """Whether `text` answers it; nothing typed means the first of the keys."""
        return not self.keys or text.strip().lower() in ("", *self.keys)

    def settle(self, answer: str | None) -> None:
        """This is the answer; None where it was given up."""
        if answer is not None and self.keys:
            answer = answer.strip().lower() or self.keys[0]
        self._answer = answer
        self._answered.set()

    def answer(self) -> str | None:
        """Wait for the answer."""
        self._answered.wait()
        return self._answer


class Turns:
    """Turns that wait to be read. Safe from both threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._resting: str | None = None
        self._ended = False

    @property
    def waiting(self) -> tuple[str, ...]:
        """What was sent and not read yet, oldest first."""
        return tuple(self._waiting)

    @property
    def ended(self) -> bool:
        """Whether the person has left."""
        return self._ended

    def put(self, text: str) -> None:
        """A turn was sent."""
        with self._changed:
            self._waiting.append(text)
            self._resting = None
            self._changed.notify()

    def rest(self, text: str) -> None:
        """This is typed so far, and nothing was typed for a moment."""
        with self._changed:
            self._resting = text
            self._changed.notify()

    def recall(self) -> str | None:
        """Take the last turn back, if one waits."""
        with self._changed:
            return self._waiting.pop() if self._waiting else None

    def end(self) -> list[str]:
        """No turn is read from now on; those that were left."""
        with self._changed:
            left = list(self._waiting)
            self._waiting.clear()
            self._ended = True
            self._changed.notify()
            return left

    def take(self, typing: Callable[[str], None] | None) -> str | None:
        """Wait for the next turn; None at the end. Meanwhile `typing` is told of what rests."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._ended or self._waiting or self._resting is not None
                )
                if self._ended:
                    return None
                if self._waiting:
                    return self._waiting.popleft()
                resting, self._resting = self._resting, None
            if typing is not None and resting is not None:
                typing(resting)
