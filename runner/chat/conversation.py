"""A conversation with a model: where it is in the tree of its turns, and one reply at a time.

A reply becomes part of the conversation as it is said, and stays where it was stopped: what was
said is said. Where it fails or is stopped before its first word, the conversation is as it was
before it was asked for. Nothing else ever leaves it: to answer again, to edit or to go back makes a
branch beside what was there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from runner.chat.chats import Chat
from runner.chat.parts import InParts, PartByPart
from runner.chat.reply import Reply, Streaming
from runner.chat.sizes import beginning, prompt_tokens, require_room
from runner.chat.turns import Attachment, Turn, composed, marked
from runner.engine.options import Options
from runner.engine.stream import ReadProgress
from runner.errors import PromptTooLong, RunnerError
from runner.models import Ready
from runner.prompt import Message, ToolCall

SUMMARY = "Summary of our conversation so far:\n{}\n\n"
"""What stands before the first question that is still told word for word."""

REPLY_SHARE = 4
"""One in so many tokens of the context stays free for the reply to a tool's result."""


class Tools(Protocol):
    """Functions that a model may ask for."""

    @property
    def descriptions(self) -> list[dict[str, Any]]:
        """Each in the shape that OpenAI's interface has."""

    def allows(self, call: ToolCall) -> bool:
        """Whether it may be run without asking."""

    def call(self, call: ToolCall) -> str:
        """What it returns, as text for the model; also where it failed."""

    def cancel(self) -> None:
        """Stop waiting for the call under way, from any thread."""


class Room(NamedTuple):
    """Tokens of the context: those the conversation takes, and those there are."""

    used: int
    total: int


class Conversation:
    """A kept conversation (`chat`) and the model that answers in it. `private` leaves nothing of
    it on the disk but what `chat` itself does."""

    def __init__(
        self, model: Ready, chat: Chat, *, tools: Tools | None = None, private: bool = False
    ) -> None:
        self.model = model
        self.chat = chat
        self.tools = tools
        self._private = private
        self._reply: Reply | None = None
        self.read_ahead()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said on the branch that is being talked on, the first turn first."""
        return tuple(self.chat.turns())

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the model is given: the system prompt, a summary of what was condensed, the turns
        after it."""
        return self.given()

    @property
    def told(self) -> tuple[Turn, ...]:
        """The turns that the model is given word for word: all but those that were condensed."""
        turns, condensed = self.turns, self.chat.condensed()
        if condensed is None:
            return turns
        last = condensed[0].id
        return turns[[turn.id for turn in turns].index(last) + 1 :]

    @property
    def last_question(self) -> Turn | None:
        return next((turn for turn in reversed(self.turns) if turn.role == "user"), None)

    def given(self, *more: Message, turns: Sequence[Turn] | None = None) -> tuple[Message, ...]:
        """`messages` with `more` after them; of the `turns` given in place of those `told`."""
        told = self.told if turns is None else turns
        messages = [*(turn.message for turn in told), *more]
        condensed = self.chat.condensed()
        if condensed is not None and condensed[1]:
            first = next((i for i, one in enumerate(messages) if one.role == "user"), None)
            if first is not None:
                summary = SUMMARY.format(marked("summary", condensed[1]))
                whole = summary + messages[first].content
                messages[first] = replace(messages[first], content=whole)
        system = self.chat.system
        return (*([Message("system", system)] if system else ()), *messages)

    def tokens(self, messages: Sequence[Message]) -> int:
        """How many tokens of the context these take as a prompt."""
        return prompt_tokens(self.model, messages, self._descriptions)

    def room(self) -> Room:
        """How full the context is with what the next question would follow."""
        total = self.model.model.context_length
        return Room(self.tokens(self.messages) if self.turns else 0, total)

    def send(
        self,
        text: str,
        attachments: Iterable[Attachment] = (),
        progress: ReadProgress | None = None,
    ) -> Reply:
        """Say `text` and start the reply. `progress` is told of the prompt's tokens read. A
        question that stood open is left beside. Documents that are marked to be read in parts are,
        without what was said before.

        Raises PromptTooLong and TemplateError; the conversation is then as it was before.
        """
        with self._branching() as back:
            if self.turns and self.turns[-1].role == "user":
                self.chat.go_to(self._before(self.turns[-1]))
            return self._ask(text, tuple(attachments), progress, back)

    def samples(
        self,
        text: str,
        count: int,
        attachments: Iterable[Attachment] = (),
        progress: ReadProgress | None = None,
    ) -> Iterator[Reply]:
        """Say `text` once and start `count` replies to it, each with the next seed and on a branch
        of its own. Each is to be read before the next is asked for. Raises as `send` does."""
        self._require_silence()
        attached = tuple(attachments)
        prompt = self.model.prompt(
            self.given(Message("user", composed(text, attached))), tools=self._descriptions
        )
        streams = self.model.model.samples(prompt, count, self.options, progress=progress)
        try:
            asked = self.chat.add("user", text, attachments=attached)
            for stream in streams:
                self.chat.go_to(asked)
                yield self._answer(stream, lambda: self.chat.go_to(asked))
        finally:
            for stream in streams:
                stream.cancel()

    def proceed(self, progress: ReadProgress | None = None) -> Reply:
        """Start the reply to what was said last: a question that stands open, or a tool's result.
        Raises as `send` does."""
        with self._branching() as back:
            return self._answer(self._start_again(progress), back)

    def again(self, progress: ReadProgress | None = None) -> Reply:
        """Start another reply to what the last one answered, on a branch beside it. Raises as
        `send` does."""
        with self._branching() as back:
            self.chat.go_to(self._before(self.turns[-1]))
            return self._answer(self._start_again(progress), back)

    def regenerate(self, progress: ReadProgress | None = None) -> Reply | None:
        """Answer the last question again, on a branch beside its answer; None where there is none.
        Raises as `send` does."""
        with self._branching() as back:
            question = self.last_question
            if question is None:
                return None
            self.chat.go_to(question)
            return self._answer(self._start_again(progress), back)

    def edit(
        self,
        turn: Turn,
        text: str,
        attachments: Iterable[Attachment] = (),
        progress: ReadProgress | None = None,
    ) -> Reply:
        """Say `text` in place of an earlier question, on a branch beside it. Raises as `send`."""
        with self._branching() as back:
            self.chat.go_to(self._before(turn))
            return self._ask(text, tuple(attachments), progress, back)

    def undo(self) -> str | None:
        """Go back to before the last question, which stays as a branch; its text, None without."""
        self._require_silence()
        question = self.last_question
        if question is None:
            return None
        self.go_to(self._before(question))
        return question.content

    def go_to(self, turn: Turn | None) -> None:
        """Go on from after `turn`, or from the beginning."""
        self._require_silence()
        self.chat.go_to(turn)
        self.read_ahead()

    def switch(self, model: Ready) -> None:
        """Let another model answer from now on."""
        self._require_silence()
        self.model = model
        self.read_ahead()

    def fitting(self, result: str, among: int = 1) -> str:
        """As much of a tool's result as there is room for beside a reply and the other results of
        `among`; it says where it is cut."""
        used, total = self.room()
        return beginning(self.model, result, (total - used - total // REPLY_SHARE) // among)

    def tell(self, call: ToolCall, result: str) -> None:
        """Add what came of a tool call. The results of a turn's calls come in their order."""
        self._require_silence()
        self.chat.add("tool", result, tool_calls=(call,))

    def condense(self, turn: Turn, summary: str) -> None:
        """Give the model `summary` in place of all up to `turn`; an empty one says nothing. The
        turns stay in the conversation."""
        self._require_silence()
        self.chat.condense(turn, summary)
        self.read_ahead()

    def expect(self, text: str, attachments: Iterable[Attachment] = ()) -> None:
        """This is being typed, or was pasted: let the model read it before it is sent. The last
        word may still change, so it is left out. Nothing is read while a reply is under way, and
        nothing is said of what goes wrong: it is only a head start."""
        before, *last = text.rsplit(maxsplit=1) or [""]
        if self.silent:
            with suppress(RunnerError):
                self._expect(composed(before if last else "", tuple(attachments)))

    def read_ahead(self) -> None:
        """Let the model read what the next question will follow; as `expect`."""
        with suppress(RunnerError):
            if self.silent and self.turns:
                self._expect("")

    @property
    def silent(self) -> bool:
        """Whether no reply is under way."""
        return self._reply is None or self._reply.ended

    @property
    def options(self) -> Options:
        """What is asked of each reply."""
        return replace(self.model.options, private=self._private, owner=self.chat.owner)

    def _expect(self, question: str) -> None:
        self.model.expect(self.messages, question, options=self.options, tools=self._descriptions)

    @property
    def _descriptions(self) -> list[dict[str, Any]] | None:
        return (self.tools.descriptions or None) if self.tools is not None else None

    def _require_silence(self) -> None:
        if not self.silent:
            raise RuntimeError("a reply is under way")

    def _before(self, turn: Turn) -> Turn | None:
        path = self.chat.path_to(turn)
        return path[-2] if len(path) > 1 else None

    @contextmanager
    def _branching(self) -> Iterator[Callable[[], None]]:
        """What goes back to where the conversation is now; gone where starting a reply fails."""
        self._require_silence()
        home = self.chat.head

        def back() -> None:
            self.chat.go_to(home)

        try:
            yield back
        except BaseException:
            back()
            raise

    def _start(
        self,
        messages: Sequence[Message],
        text: str,
        attachments: tuple[Attachment, ...],
        progress: ReadProgress | None,
    ) -> Streaming:
        """The reply to `messages`, of which the last has `text` and `attachments`."""
        if any(one.in_parts for one in attachments):
            steps = InParts(
                self.model, text, attachments, system=self.chat.system, options=self.options
            )
            return PartByPart(steps, progress)
        tools = self._descriptions
        try:
            return self.model.reply(messages, tools=tools, options=self.options, progress=progress)
        except PromptTooLong:
            if attachments:
                require_room(self.model, messages, attachments, tools)
            raise

    def _start_again(self, progress: ReadProgress | None) -> Streaming:
        """The reply to the turn that the conversation stands at."""
        head = self.chat.head
        attachments = () if head is None else head.attachments
        return self._start(self.messages, head.content if head else "", attachments, progress)

    def _ask(
        self,
        text: str,
        attachments: tuple[Attachment, ...],
        progress: ReadProgress | None,
        back: Callable[[], None],
    ) -> Reply:
        """Start the reply to a new question. The reply comes first: what cannot be asked never
        becomes a turn."""
        messages = self.given(Message("user", composed(text, attachments)))
        stream = self._start(messages, text, attachments, progress)
        with _stopped_on_failure(stream):
            asked = self.chat.add("user", text, attachments=attachments)

        def unasked() -> None:
            self.chat.remove(asked)
            back()

        return self._answer(stream, unasked)

    def _answer(self, stream: Streaming, back: Callable[[], None]) -> Reply:
        """The reply that `stream` says. `back` undoes what was done for it, where it says
        nothing."""

        def over(said: bool) -> None:
            if not said:
                back()
            self.read_ahead()

        with _stopped_on_failure(stream):
            growing = self.chat.begin_reply(model=self.model.located.reference)
        self._reply = Reply(stream, growing, over)
        return self._reply


@contextmanager
def _stopped_on_failure(stream: Streaming) -> Iterator[None]:
    """A reply of which nothing can be kept is not computed to its end."""
    try:
        yield
    except BaseException:
        stream.cancel()
        raise
