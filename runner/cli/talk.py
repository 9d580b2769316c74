"""The loop of a chat: read a turn, obey it or answer it, until the person leaves."""

import re
from collections.abc import Callable
from typing import Protocol

from runner.chat import Conversation, Reply
from runner.cli.errors import show
from runner.cli.output import note, print_json, remark
from runner.cli.replies import Screen, ending, facts, play
from runner.cli.terminal.progress import PassingLine
from runner.cli.words import duration
from runner.engine.events import Finish
from runner.errors import RunnerError
from runner.models import Ready
from runner.settings import Settings

# `/help`, `/system Be brief.`; not `/etc/hosts`, which is something to talk about.
COMMAND = re.compile(r"/([a-z?]+)(?:\s+(.*))?", re.DOTALL)
LEAVE = ("bye", "exit", "quit")

WORTH_READING = 40
"""Characters of a turn from which it is read while it is typed."""

HELP = """\
/think [show|hide]   show or hide the model's reasoning
/system [TEXT|none]  tell the model something in front of all turns
/regenerate          answer the last question again
/clear               forget the conversation so far
/stats               counts and speed of the last reply
/bye                 leave, as Ctrl-D does
Enter sends; Alt-Enter or Ctrl-J begins a new line; Ctrl-R searches what you typed before.
Ctrl-C stops a reply; what it said is kept."""


class Reader(Protocol):
    def read(self) -> str | None:
        """The next turn; None at the end."""


class Talk:
    """A conversation on a screen. Not `interactive`: an error or Ctrl-C ends it, as in a script."""

    def __init__(self, ready: Ready, settings: Settings, *, interactive: bool) -> None:
        self._ready = ready
        self._settings = settings
        self._interactive = interactive
        self._conversation = Conversation(ready, settings.system or "")
        self._thinks_aloud = settings.think != "hide"
        self._latest: Finish | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "help": lambda _: note(HELP),
            "?": lambda _: note(HELP),
            "clear": self._clear,
            "think": self._think,
            "system": self._system,
            "stats": self._stats,
            "regenerate": self._regenerate,
        }

    def run(self, reader: Reader) -> None:
        """Until the reader ends, or a turn says to leave."""
        while (text := reader.read()) is not None:
            command = COMMAND.fullmatch(text.strip())
            if command is None:
                if text.strip():
                    self._answer(text)
            elif command[1] in LEAVE:
                return
            elif command[1] in self._commands:
                self._commands[command[1]](command[2] or "")
            else:
                note(f"there is no command /{command[1]}; /help lists them")

    def typing(self, text: str) -> None:
        """A turn is being typed: the model reads it meanwhile, if it is for the model."""
        if len(text) >= WORTH_READING and COMMAND.fullmatch(text.strip()) is None:
            self._conversation.expect(text)

    def _answer(self, text: str | None) -> None:
        """Show the reply to `text`, or to the last question again. A question that cannot be asked
        is taken back, and told."""
        line = PassingLine(self._settings)
        try:
            if text is None:
                reply = self._conversation.regenerate(line.reading)
            else:
                reply = self._conversation.send(text, line.reading)
            if reply is None:
                note("there is nothing to answer again")
                return
            self._show(reply, line)
        except RunnerError as error:
            if not self._interactive:
                raise
            show(error)
            note("the question was taken back; /clear forgets the conversation so far")

    def _show(self, reply: Reply, line: PassingLine) -> None:
        as_json = bool(self._settings.json)
        screen = Screen(
            line,
            reasoning=self._thinks_aloud and not as_json,
            answer=not as_json,
            summary=not (as_json or self._settings.quiet),
        )
        with reply:
            said = play(reply, screen)
        self._latest = reply.finish
        if as_json:
            print_json(facts(self._ready, said, reply.finish), indent=None)
        if why := ending(reply.finish, self._ready):
            remark(why, self._settings)
        if self._interactive:
            print()
        elif reply.finish.reason == "cancelled":
            raise KeyboardInterrupt

    def _regenerate(self, _: str) -> None:
        self._answer(None)

    def _clear(self, _: str) -> None:
        self._conversation.clear()
        note("the conversation is forgotten")

    def _think(self, wish: str) -> None:
        if wish not in ("", "show", "hide"):
            note("/think show or /think hide")
            return
        self._thinks_aloud = wish == "show" if wish else not self._thinks_aloud
        note(f"reasoning is {'shown' if self._thinks_aloud else 'hidden'}")

    def _system(self, text: str) -> None:
        if text:
            self._conversation.system = "" if text == "none" else text
        note(f"system prompt: {self._conversation.system or 'none'}")

    def _stats(self, _: str) -> None:
        if self._latest is None:
            note("there was no reply yet")
            return
        timings, length = self._latest.timings, self._ready.model.context_length
        used = timings.prompt_tokens + timings.reply_tokens
        note(
            f"prompt {timings.prompt_tokens} tokens, {timings.reused_tokens} of them reused; "
            f"read at {timings.prefill_rate:.1f} tokens/s\n"
            f"reply {timings.reply_tokens} tokens at {timings.decode_rate:.1f} tokens/s; "
            f"the first after {duration(timings.first_token_seconds)}\n"
            f"context {used} of {length} tokens; seed {self._latest.seed}"
        )
