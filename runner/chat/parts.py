"""Answers a question about documents that the context does not hold.

They are cut into parts, the question is asked of each, and at last one answer is made of the
answers. Each step is a reply of its own, to be shown as it goes:

    for step in InParts(model, question, documents):
        for event in step.begin():
            ...
    step.answer

`PartByPart` makes one reply of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.chat.sizes import prompt_tokens, tokens_of
from runner.chat.splitting import split
from runner.chat.turns import Attachment, composed
from runner.engine.events import Event, Finish
from runner.errors import PromptTooLong
from runner.prompt import Message

if TYPE_CHECKING:
    from runner.engine.options import Options
    from runner.engine.stream import ReadProgress, Stream
    from runner.models import Ready

REPLY_SHARE = 4
"""One in so many tokens of the context is for the answer to a part. Two such answers and what is
around them fit again, so that answers can always be joined."""
FRAME_SHARE = 6
"""One in so many may go to the question, the system prompt and what the template adds."""
MANY = ", part 999 of 999"

OF_A_PART = """\
Above is a part of what a question is about. Answer it from this part alone, and briefly. Where it \
has nothing on it, say only that it has nothing on it.

Question: {question}"""
OF_THE_ANSWERS = """\
Above are answers to one question, each from a different part of {names}. Make one answer of them, \
without those that found nothing.

Question: {question}"""


class InParts:
    """The steps to an answer; they are known in part when it is made, the rest as they are played.

    `options` are the model's own unless given. Raises PromptTooLong where question and system
    prompt leave too little room for a part.
    """

    def __init__(
        self,
        model: "Ready",
        question: str,
        documents: Sequence[Attachment],
        *,
        system: str = "",
        options: "Options | None" = None,
    ) -> None:
        self._model = model
        self._question = question
        self._system = system
        self._options = options or model.options
        self._names = ", ".join(one.name for one in documents)
        self._reply = model.model.context_length // REPLY_SHARE
        self._room = self._room_beside_the_question()
        self.parts = _packed(model, self._pieces(documents), self._room)
        """What is asked of, part by part: documents, or pieces of them."""

    def __iter__(self) -> "Iterator[Step]":
        """The steps in turn, each to be played before the next is taken; none after one that was
        stopped. The last one's answer is the answer."""
        if len(self.parts) == 1:
            yield self._step("the whole", self._question, self.parts[0], last=True)
            return
        answers: list[Attachment] = []
        for number, part in enumerate(self.parts, 1):
            names = ", ".join(one.name for one in part)
            title = f"part {number} of {len(self.parts)}: {names}"
            step = self._step(title, OF_A_PART.format(question=self._question), part)
            yield step
            if step.stopped:
                return
            answers.append(Attachment(f"answer from {names}", "answer", step.answer or "nothing"))
        yield from self._joined(answers)

    def _joined(self, answers: list[Attachment]) -> "Iterator[Step]":
        """Make one answer of some, in several rounds where they do not fit at once."""
        question = OF_THE_ANSWERS.format(names=self._names, question=self._question)
        while len(groups := _packed(self._model, answers, self._room, least=2)) > 1:
            answers = []
            for number, group in enumerate(groups, 1):
                title = f"answers joined, {number} of {len(groups)}"
                step = self._step(title, question, group)
                yield step
                if step.stopped:
                    return
                answers.append(Attachment(f"answer {number}", "answer", step.answer or "nothing"))
        yield self._step("answers joined", question, groups[0], last=True)

    def _step(
        self, title: str, question: str, part: tuple[Attachment, ...], *, last: bool = False
    ) -> "Step":
        options = self._options if last else self._brief()
        return Step(self._model, title, last, self._messages(question, part), options)

    def _brief(self) -> "Options":
        """On the way, answers are short, and have no form: that is the last one's."""
        limits = (self._options.max_tokens, self._options.think_tokens)
        reply, think = (
            most if limit is None else min(limit, most)
            for limit, most in zip(limits, (self._reply, self._reply // 2), strict=True)
        )
        return replace(
            self._options, max_tokens=reply, think_tokens=think, constraint=None, logprobs=None
        )

    def _messages(self, question: str, part: tuple[Attachment, ...]) -> list[Message]:
        system = [Message("system", self._system)] if self._system else []
        return [*system, Message("user", composed(question, part))]

    def _room_beside_the_question(self) -> int:
        """Tokens of documents that a part may have."""
        context = self._model.model.context_length
        frame = max(
            prompt_tokens(
                self._model,
                self._messages(words.format(names=self._names, question=self._question), ()),
            )
            for words in (OF_A_PART, OF_THE_ANSWERS)
        )
        if frame > context // FRAME_SHARE:
            raise PromptTooLong(
                f"the question and what is around it have {frame} tokens; to be asked of one part "
                f"after the other, {context // FRAME_SHARE} in this context of {context}",
                remedy="Ask more briefly, or give a larger context with --ctx.",
            )
        return context - self._reply - frame

    def _pieces(self, documents: Sequence[Attachment]) -> Iterator[Attachment]:
        """The documents, those that are too long cut."""

        def count(text: str) -> int:
            return len(self._model.model.vocabulary.encode_content(text))

        for one in documents:
            frame = replace(one, name=one.name + MANY, text="", in_parts=False)
            room = self._room - tokens_of(self._model, frame)
            parts = split(one.text, max(room, 1), count)
            for number, text in enumerate(parts, 1):
                place = f", part {number} of {len(parts)}" if len(parts) > 1 else ""
                yield replace(one, name=one.name + place, text=text, in_parts=False)


@dataclass(slots=True)
class Step:
    """One question on the way to an answer."""

    _model: "Ready"
    title: str
    """What is asked of, to be shown."""
    last: bool
    messages: list[Message]
    options: "Options"
    answer: str = ""
    """What was said to it so far."""
    stopped: bool = field(default=True)
    """Whether it was not played to its end."""

    def begin(self, progress: "ReadProgress | None" = None) -> "Answering":
        """Start the reply. `progress` is told of the prompt's tokens read."""
        prompt = self._model.prompt(self.messages)
        return Answering(self, self._model.model.generate(prompt, self.options, progress=progress))


class Answering(Iterator[Event]):
    """The events of a step's reply."""

    def __init__(self, step: Step, stream: "Stream") -> None:
        self._step = step
        self._stream = stream

    def __next__(self) -> Event:
        try:
            event = next(self._stream)
        except StopIteration:
            self._step.answer = self._step.answer.strip()
            self._step.stopped = self.finish.reason == "cancelled"
            raise
        if event.kind == "answer":
            self._step.answer += event.text
        return event

    @property
    def finish(self) -> Finish:
        """Why it ended. Only after the last event."""
        return self._stream.finish

    def cancel(self) -> None:
        """Stop at once, from any thread."""
        self._stream.cancel()


class PartByPart(Iterator[Event]):
    """The steps to an answer as one reply. What is said on the way is its reasoning; how it ended
    and what it took are the last step's."""

    def __init__(self, steps: InParts, progress: "ReadProgress | None" = None) -> None:
        self._steps = steps
        self._progress = progress
        self._playing: Answering | None = None
        self._cancelled = False
        self._events = self._played()

    def __next__(self) -> Event:
        return next(self._events)

    def _played(self) -> Iterator[Event]:
        before = ""
        for step in self._steps:
            self._playing = step.begin(self._progress)
            if self._cancelled:
                self._playing.cancel()
            for number, event in enumerate(self._playing):
                if number == 0 and len(self._steps.parts) > 1:
                    yield Event("reasoning", f"{before}{step.title}\n\n", (), event.at)
                    before = "\n\n"
                yield event if step.last else replace(event, kind="reasoning")

    @property
    def finish(self) -> Finish:
        """Why it ended. Only after the last event."""
        assert self._playing is not None
        return self._playing.finish

    def cancel(self) -> None:
        """Stop at once, from any thread."""
        self._cancelled = True
        if self._playing is not None:
            self._playing.cancel()


def _packed(
    model: "Ready", documents: "Iterator[Attachment] | list[Attachment]", room: int, least: int = 1
) -> list[tuple[Attachment, ...]]:
    """Neighbours together while they fit into `room` tokens, and at least so many."""
    groups: list[tuple[Attachment, ...]] = []
    used = 0
    for one in documents:
        tokens = tokens_of(model, one)
        if groups and (len(groups[-1]) < least or used + tokens <= room):
            groups[-1] += (one,)
            used += tokens
        else:
            groups.append((one,))
            used = tokens
    return groups
