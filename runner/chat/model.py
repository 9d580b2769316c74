"""The library's face: a loaded model, its replies and its conversations, for programs that are
synchronous or asynchronous.

    with runner.load("tiny") as model:
        with model.chat(system="Be brief.") as chat:
            for event in chat.send("What is 12 + 30?"):
                print(event.kind, event.text)

    async for event in model.areply([runner.Message("user", "hello")]):
        ...

An event is a piece of text of a kind (`reasoning`, `answer` or `tool_call`) with its tokens and the
time it was sampled: `runner.engine.events.Event`.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Self

from runner.chat.chats import Chats
from runner.chat.conversation import Conversation, Tools
from runner.chat.reply import Reply
from runner.chat.turns import Attachment
from runner.engine.events import Event
from runner.engine.options import Options
from runner.engine.stream import ReadProgress, Stream
from runner.models import Ready
from runner.prompt import Message

remark = logging.getLogger("runner").warning
"""Is told of what a person should know and is no error."""


class Model:
    """A loaded model. Close it, or use it in a `with` block; any thread may ask it."""

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        """The same with all there is to know of it: where it lies, its template, its options."""

    @property
    def context_length(self) -> int:
        """Tokens that prompt and reply may have together."""
        return self.ready.model.context_length

    def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] | None = None,
        options: Options | None = None,
        progress: ReadProgress | None = None,
    ) -> Stream:
        """The assistant's next turn after `messages`, event by event. `tools` are described in the
        shape of OpenAI's interface; `options` are those the model was loaded with, unless given.

        Raises PromptTooLong, TemplateError, ConfigurationError.
        """
        return self.ready.reply(messages, tools=tools, options=options, progress=progress)

    def areply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] | None = None,
        options: Options | None = None,
    ) -> AsyncGenerator[Event, None]:
        """As `reply`, for `async for`. Leaving it, or cancelling the task, stops the reply."""
        return _events(lambda: self.reply(messages, tools=tools, options=options))

    def complete(self, text: str) -> Stream:
        """The text as it may go on, without a chat template: for base models."""
        return self.ready.continue_text(text)

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self.ready.model.vocabulary.encode_content(text))

    def chat(
        self, *, system: str = "", save: bool = False, tools: Tools | None = None
    ) -> "ModelChat":
        """A conversation. With `save` it is kept on this disk, as those of the command line are;
        without, nothing of it is. Close it, or use it in a `with` block."""
        return ModelChat(self.ready, system, save=save, tools=tools)

    def close(self) -> None:
        self.ready.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ModelChat(Conversation):
    """A conversation that has its own place to be kept, and is also asynchronous."""

    def __init__(self, ready: Ready, system: str, *, save: bool, tools: Tools | None) -> None:
        self._chats = Chats(remark=remark) if save else Chats.in_memory()
        chat = self._chats.begin(model=ready.located.reference, system=system)
        super().__init__(ready, chat, tools=tools, private=not save)

    def say(self, text: str, attachments: Iterable[Attachment] = ()) -> str:
        """The whole answer to `text`, once it is there."""
        with self.send(text, attachments) as reply:
            for _event in reply:
                pass
        return reply.message.content

    def asend(
        self, text: str, attachments: Iterable[Attachment] = ()
    ) -> AsyncGenerator[Event, None]:
        """As `send`, for `async for`. Leaving it, or cancelling the task, stops the reply; what was
        said is kept."""
        return _events(lambda: self.send(text, attachments))

    async def asay(self, text: str, attachments: Iterable[Attachment] = ()) -> str:
        """As `say`."""
        replies: list[Reply] = []

        def begin() -> Reply:
            replies.append(self.send(text, attachments))
            return replies[0]

        async for _event in _events(begin):
            pass
        return replies[0].message.content

    def close(self) -> None:
        self._chats.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _events(begin: Callable[[], Stream | Reply]) -> AsyncGenerator[Event, None]:
    """The events of a reply, each waited for on a thread. A reply that is left is stopped, and read
    to the end it comes to then, so that nothing of it goes on behind the caller's back."""
    starting = asyncio.ensure_future(asyncio.to_thread(begin))
    waiting: asyncio.Future[Event | None] | None = None
    over = False
    try:
        reply = await asyncio.shield(starting)
        while True:
            waiting = asyncio.ensure_future(asyncio.to_thread(next, reply, None))
            # Not cancelled with the task: two threads must not read one reply.
            event = await asyncio.shield(waiting)
            if event is None:
                break
            yield event
        over = True
    finally:
        if not over:
            await asyncio.wait([starting])
            if starting.exception() is None:
                starting.result().cancel()
                if waiting is not None:
                    await asyncio.wait([waiting])
                with suppress(Exception):
                    await asyncio.to_thread(lambda: [*starting.result()])
