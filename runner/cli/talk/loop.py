"""The loop of a chat: read a turn, obey it or answer it, until the person leaves."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from runner.chat import Conversation, Reply
from runner.chat.chats import Chat, Chats
from runner.chat.conversation import Tools
from runner.chat.turns import Attachment, composed
from runner.cli.output import print_json
from runner.cli.replies import ending, facts
from runner.cli.talk import commands, full, header
from runner.cli.talk.calls import obey_calls
from runner.cli.talk.documents import mentioned
from runner.cli.talk.face import Face
from runner.cli.talk.keeping import unsaved
from runner.cli.talk.kept import with_kept, with_set, without
from runner.cli.talk.loading import Loading
from runner.engine.events import Finish
from runner.engine.stream import ReadProgress
from runner.errors import PromptTooLong, RunnerError
from runner.models import Located, Ready
from runner.prompt import Message
from runner.settings import BY_NAME, Settings

# `/help`, `/system Be brief.`; not `/etc/hosts`, which is something to talk about.
COMMAND = re.compile(r"/([a-z?]+)(?:\s+(.*))?", re.DOTALL)

WORTH_READING = 40
"""Characters of a turn from which it is read while it is typed."""

Ask = Callable[[ReadProgress], Reply | None]
"""Begins a reply, and is given what is to be told of the prompt's tokens read."""


class Talk:
    """A conversation on a face, with the model that answers and what was set for it. Where nobody
    can be asked, an error or Ctrl-C ends it, as in a script."""

    def __init__(
        self,
        face: Face,
        settings: Settings,
        located: Located,
        *,
        chats: Chats,
        chat: Chat,
        tools: Tools | None = None,
        welcome: Callable[[Ready], None] = lambda _: None,
    ) -> None:
        """The model of `located` is loaded meanwhile; `welcome` is told when it is there.
        `settings` are those in force but for what was set in `chat` itself."""
        self.face = face
        self.begun_with = settings
        self.settings = with_kept(settings, chat.settings)
        self.chats = chats
        self.chat = chat
        self.tools = tools
        self.attached: list[Attachment] = []
        """What goes with the next question."""
        self.latest: Finish | None = None
        self.warned = 0
        self._answers = 0  # replies that became turns
        self._conversation: Conversation | None = None

        def here(ready: Ready) -> None:
            welcome(ready)
            self._conversation = self._with(ready)  # which reads ahead

        self._loading = Loading(located, self.settings, face, here)
        face.typing = self.typing

    def _with(self, ready: Ready) -> Conversation:
        return Conversation(ready, self.chat, tools=self.tools, private=self.private)

    @property
    def loaded(self) -> bool:
        """Whether the model is there by now."""
        return self._loading.here is not None

    @property
    def located(self) -> Located:
        """The model that answers."""
        return self._loading.located

    @property
    def ready(self) -> Ready:
        """The model, which is waited for. Raises what loading it did; KeyboardInterrupt where a
        person would not wait."""
        return self._loading.wait()

    @property
    def conversation(self) -> Conversation:
        """The conversation, with its model. Raises as `ready` does."""
        ready = self.ready
        if self._conversation is None or self._conversation.chat is not self.chat:
            self._conversation = self._with(ready)
        elif self._conversation.model is not ready:
            self._conversation.switch(ready)
        return self._conversation

    @property
    def private(self) -> bool:
        return self.settings.save is False

    @property
    def think(self) -> str:
        """How reasoning is shown: "show", "fold" or "hide"."""
        wish = self.settings.think
        if wish in ("show", "fold", "hide"):
            return wish
        if wish == "off":
            return "hide"
        return "fold" if self.face.interactive else "show"

    def run(self) -> None:
        """Until there is no more to read, or a turn says to leave."""
        if not self.face.interactive:
            _ = self.conversation  # what there is to say of the model comes first
        while (text := self.face.read()) is not None:
            try:
                if not self._obeyed(text) and (text.strip() or self.attached):
                    self.ask(text)
            except commands.Leave:
                return
            except RunnerError as error:
                if not self.face.interactive:
                    raise
                self.face.error(error)
            except KeyboardInterrupt:
                if not self.face.interactive:
                    raise
        if why := unsaved(self):
            self.face.note(why)

    def _obeyed(self, text: str) -> bool:
        """Whether the turn was a command, which is obeyed now."""
        command = COMMAND.fullmatch(text.strip())
        if command is None:
            return False
        try:
            commands.obey(self, command[1], (command[2] or "").strip())
        except KeyboardInterrupt:
            self.face.refill(text)
            raise
        return True

    def typing(self, text: str) -> None:
        """A turn is being typed: the model reads it meanwhile, if it is there and meant."""
        if self.loaded and len(text) >= WORTH_READING and COMMAND.fullmatch(text.strip()) is None:
            self.conversation.expect(text, self.attached)

    def ask(self, text: str) -> None:
        """Answer a question, with what was attached. One that is not answered is not lost: it
        comes back to where it was typed. Raises as `answer` does, and BadDocument."""
        attached = (*self.attached,)

        def sent(documents: tuple[Attachment, ...]) -> Ask:
            return lambda progress: self.conversation.send(text, documents, progress)

        with self._unless_answered(lambda: self.give_back(text, attached)):
            attached += (*mentioned(self, text),)
            self.attached.clear()
            in_parts = sent(tuple(replace(one, in_parts=True) for one in attached))
            pending = Message("user", composed(text, attached))
            self.answer(sent(attached), pending, in_parts=in_parts if attached else None)

    def give_back(self, text: str, attached: tuple[Attachment, ...] = ()) -> None:
        """Have a question where it is typed again, with what was attached to it."""
        self.attached[:] = attached
        self.face.refill(text)

    def answer_command(self, typed: str, ask: Ask) -> None:
        """Answer what a command asks. Where nothing is said, the command comes back as `typed`.
        Raises as `answer` does."""
        try:
            with self._unless_answered(lambda: self.face.refill(typed)):
                self.answer(ask)
        except KeyboardInterrupt:
            if not self.face.interactive:
                raise

    @contextmanager
    def _unless_answered(self, give_back: Callable[[], None]) -> Iterator[None]:
        """Where no reply becomes a turn in this block, whatever keeps it from that, give back what
        was typed for one."""
        before = self._answers
        try:
            yield
        finally:
            if self._answers == before:
                give_back()

    def answer(self, ask: Ask, *pending: Message, in_parts: Ask | None = None) -> None:
        """Show the reply that `ask` begins, and what follows from it: the results of the tools it
        calls for, what is to be done where the context is full. `pending` is what is asked, where
        it is no turn yet; `in_parts` begins the reply to documents that came with it, read part by
        part.

        Raises PromptTooLong where no room is to be made, KeyboardInterrupt where Ctrl-C ends a
        script, and what else keeps a model from answering.
        """
        reply = self._with_room(ask, *pending, in_parts=in_parts)
        if reply is not None and reply.spoke:
            obey_calls(self.conversation, self.face, reply, self._with_room)
            full.warn(self)

    def _with_room(self, ask: Ask, *pending: Message, in_parts: Ask | None = None) -> Reply | None:
        """Show the reply that `ask` begins; where the context is too small for it, once more when
        there is room. Raises as `answer` does."""
        try:
            reply = self.show(ask)
        except PromptTooLong:
            done = full.make_room(self, *pending, parts=in_parts is not None)
            if done == "parts" and in_parts is not None:
                return self.show(in_parts)
            if done != "room":
                raise
            reply = self.show(ask)
        full_up = reply is not None and reply.spoke and reply.finish.reason == "context"
        if full_up and full.make_room(self) == "room":
            again = self.show(self.conversation.again)
            return again if again is not None and again.spoke else reply
        return reply

    def show(self, ask: Ask, ready: Ready | None = None) -> Reply | None:
        """Show one reply to its end, and what it took in a line. `ready` is who answers, where it
        is not the model of the conversation."""
        begun: list[Reply] = []

        def begin(progress: ReadProgress) -> Reply:
            reply = ask(progress)
            assert reply is not None
            begun.append(stack.enter_context(reply))
            return reply

        try:
            with ExitStack() as stack:
                said = self.face.play(begin, think=self.think)
        finally:
            self._answers += any(reply.kept for reply in begun)
        if not begun:
            return None
        reply = begun[0]
        finish = self.latest = reply.finish
        ready = ready or self.ready
        if self.settings.json:
            print_json(facts(ready, said, finish), indent=None)
        elif reply.spoke:
            self.remark(header.took(finish, ready))
        if why := ending(finish, ready):
            self.remark(why)
        if finish.reason == "cancelled" and not self.face.interactive:
            raise KeyboardInterrupt
        return reply

    def remark(self, text: str) -> None:
        """A line that may be left out."""
        if not self.settings.quiet:
            self.face.note(text)

    def set(self, values: Mapping[str, Any]) -> None:
        """Hold these options from now on, and in this conversation when it is resumed.

        Raises ConfigurationError for what cannot be, and what loading the model again does;
        everything is then as it was.
        """
        self.hold(with_set(self.settings, values), values)
        self.chat.settings = {**self.chat.settings, **values}

    def unset(self, name: str) -> None:
        """Hold an option again as it was when the chat began. Raises as `set` does."""
        self.hold(without(self.settings, name, self.begun_with), [name])
        kept = self.chat.settings.items()
        self.chat.settings = {one: value for one, value in kept if one != name}

    def hold(self, wanted: Settings, changed: Iterable[str]) -> None:
        """Have other settings in force, which differ in these options. Raises as `set` does."""
        if commands.needs_loading(changed):
            self.load(self.located, wanted)
        else:
            self.ready.adjust(wanted, self.remark)
            self.settings = wanted

    def loads_otherwise(self, settings: Settings) -> bool:
        """Whether a model is loaded otherwise with these settings."""
        loading = [name for name, one in BY_NAME.items() if one.group == "loading"]
        return any(settings.get(name) != self.settings.get(name) for name in loading)

    def load(self, located: Located, settings: Settings) -> None:
        """Have another model answer, or the same loaded otherwise. Where it cannot be loaded, or a
        person would not wait, the one before is loaded again; raises why."""
        before, old = self._loading, self.located
        before.close()
        self._loading = Loading(located, settings, self.face, awaited=True)
        try:
            self._loading.wait()
        except (RunnerError, KeyboardInterrupt):
            self._loading.close()
            self._loading = Loading(old, self.settings, self.face)
            self.remark(f"{old.name} goes on answering, as it was loaded before")
            raise
        self.settings = settings

    def go_on_in(self, chat: Chat) -> None:
        """Talk in another conversation from now on."""
        self.chat = chat
        self.attached.clear()
        self.warned = 0
        if self.loaded:
            _ = self.conversation  # reads ahead

    def close(self) -> None:
        self._loading.close()
