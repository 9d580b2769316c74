"""What may come before an answer that is held to a grammar: the marks that open reasoning or frame
the answer, and line breaks after them."""

from runner.llama.vocabulary import Vocabulary
from runner.prompt import Prompt

BREAKS = 2
"""Tokens of nothing but line breaks that may follow a mark. Models are taught to write them there,
and the reply is read without them."""


class Opening:
    """The marks of one reply, each taken once, recognized by their tokens. A mark that is no token
    of its own is left to the grammar: it could not be told from an answer."""

    def __init__(self, prompt: Prompt, vocabulary: Vocabulary) -> None:
        reasons = prompt.opening == "reasoning"
        marks = prompt.marks
        names = (*(() if reasons else (marks.open,)), *marks.around) if marks else ()
        encoded = (tuple(vocabulary.encode(name, marks=True)) for name in names)
        self._marks = [mark for mark in encoded if mark and vocabulary.mark(mark[0])]
        self._vocabulary = vocabulary
        self._begun: tuple[int, ...] = ()
        self._breaks = BREAKS if reasons else 0

    def takes(self, token: int) -> bool:
        """Whether `token` belongs to what comes before the answer. It is then taken for it."""
        begun = (*self._begun, token)
        if any(mark[: len(begun)] == begun for mark in self._marks):
            self._begun = begun
            if begun in self._marks:
                self._end(begun)
            return True
        is_break = not self._vocabulary.piece(token).strip(b"\r\n")
        if is_break and self._breaks and not self._begun and not self._vocabulary.is_control(token):
            self._breaks -= 1
            return True
        return False

    def rest(self) -> tuple[int, ...]:
        """What is left of a mark that has begun, which is then over."""
        begun = self._begun
        if not begun:
            return ()
        mark = next(mark for mark in self._marks if mark[: len(begun)] == begun)
        self._end(mark)
        return mark[len(begun) :]

    def _end(self, mark: tuple[int, ...]) -> None:
        self._marks.remove(mark)
        self._begun = ()
        self._breaks = BREAKS
