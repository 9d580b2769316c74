"""The answers of `runner run`: shown on stdout as they come, or printed as JSON at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import typer

from runner.chat import Conversation, Reply
from runner.chat.chats import Chat
from runner.chat.documents import gather, mentions
from runner.chat.extract import first_code
from runner.chat.sizes import described
from runner.chat.tools import Toolbox
from runner.cli.loading import at_terminal
from runner.cli.output import print_json, remark
from runner.cli.replies import Replying, Said, Screen, ending, facts, play
from runner.cli.talk.calls import obey_calls
from runner.cli.talk.plain import PlainFace
from runner.cli.terminal.clean import clean
from runner.cli.terminal.progress import PassingLine
from runner.engine.stream import ReadProgress
from runner.errors import INCOMPLETE, INTERRUPTED
from runner.models import Ready
from runner.prompt import Prompt
from runner.settings import Settings

R = TypeVar("R", bound=Replying)


class Answering:
    """Shows replies, and remembers them for the JSON and the exit code."""

    def __init__(self, ready: Ready, settings: Settings, *, extract: str | None) -> None:
        """`extract`: "code" prints no more of an answer than its first block of code."""
        self._ready = ready
        self._settings = settings
        self._extract = extract
        self._line = PassingLine(settings)
        self._shown: list[tuple[Said, Replying]] = []
        self._about: dict[str, int | None] = {}
        self._several = False
        for text in ready.placement.remarks:
            remark(text, settings)

    def raw(self, text: str, samples: int) -> None:
        """Continue a text, `samples` times."""
        streams = self._ready.model.samples(
            Prompt.raw(text), samples, self._ready.options, progress=self._line.reading
        )
        self._show_all(iter(streams), samples, exact=True)

    def talk(self, chat: Chat, tools: Toolbox, text: str, samples: int) -> None:
        """Ask in a conversation, and answer `samples` times or as often as tools are called for."""
        conversation = Conversation(
            self._ready,
            chat,
            tools=tools if len(tools) else None,
            private=self._settings.save is False,
        )
        files = [Path(file).expanduser() for file in self._settings.file or ()]
        attached = gather([*files, *mentions(text)])
        for one in attached:
            remark(described(self._ready, one), self._settings)
        if samples > 1:
            replies = conversation.samples(text, samples, attached, self._line.reading)
            self._show_all(replies, samples)
        else:
            face = PlainFace(self._settings, interactive=at_terminal())
            reply = self._show(conversation.send(text, attached, self._line.reading))
            obey_calls(conversation, face, reply, self._following)
        if self._settings.save is not False:
            self._about = {"conversation": chat.number}

    def _show_all(self, replies: Iterator[Replying], count: int, *, exact: bool = False) -> None:
        """One reply after the other, until one is stopped."""
        self._several = count > 1
        for number, reply in enumerate(replies, 1):
            if count > 1 and not self._settings.json:
                if number > 1:
                    print()
                remark(f"answer {number} of {count}", self._settings)
            self._show(reply, exact=exact)
            if reply.finish.reason == "cancelled":
                return

    def _show(self, reply: R, *, exact: bool = False) -> R:
        shows = not self._settings.json
        reasoning = shows and self._settings.think not in ("hide", "off")
        screen = Screen(
            self._line,
            reasoning=reasoning,
            answer=shows and self._extract is None,
            summary=reasoning,
            exact=exact,
        )
        said = play(reply, screen)
        self._shown.append((said, reply))
        if not shows:
            return reply
        if self._extract is not None:
            answer = said.texts["answer"].strip()
            code = first_code(answer)
            if code is None:
                remark("the answer has no block of code; all of it follows", self._settings)
            print(clean(answer if code is None else code.rstrip("\n")), flush=True)
        if why := ending(reply.finish, self._ready):
            remark(why, self._settings)
        return reply

    def _following(self, begin: Callable[[ReadProgress], Reply]) -> Reply:
        """The reply to what a tool gave back."""
        return self._show(begin(self._line.reading))

    def end(self) -> None:
        """Print the JSON where it is wanted, and leave with the code that says how it ended."""
        if self._settings.json:
            each = [facts(self._ready, said, reply.finish) for said, reply in self._shown]
            print_json(self._about | ({"samples": each} if self._several else each[-1]))
        reasons = {reply.finish.reason for _, reply in self._shown}
        if "cancelled" in reasons:
            raise typer.Exit(INTERRUPTED)
        if "context" in reasons:
            raise typer.Exit(INCOMPLETE)
