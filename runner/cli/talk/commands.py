"""The commands of a chat. What `/help` prints, what is completed and what is obeyed is one table;
what a command does is in the module of its kind, which imports the model's half of the program only
when it runs."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.cli.talk import branching, keeping, setting, telling
from runner.settings import BY_NAME

if TYPE_CHECKING:
    from runner.cli.talk.loop import Talk


class Leave(Exception):
    """The person wants to leave."""


@dataclass(frozen=True, slots=True)
class Command:
    """`do` is given the talk and what follows the name. `also` are names other programs have."""

    name: str
    usage: str
    help: str
    do: "Callable[[Talk, str], None]"
    also: tuple[str, ...] = ()


def _help(talk: "Talk", name: str) -> None:
    wanted = _BY_NAME.get(name.lstrip("/"))
    if wanted is None:
        lines = [f"{_typed(command):<{_WIDTH}}{command.help}" for command in COMMANDS]
        talk.face.note("\n".join([*lines, KEYS]))
    else:
        also = ", ".join(f"/{other}" for other in wanted.also)
        talk.face.note(
            f"{_typed(wanted)}  {wanted.help}" + (f"\nalso {also}" if wanted.also else "")
        )


def _leave(talk: "Talk", _: str) -> None:
    if keeping.may_leave(talk):
        raise Leave


COMMANDS: tuple[Command, ...] = (
    Command("help", "[COMMAND]", "what can be typed here", _help, ("?", "h", "commands")),
    Command("model", "[NAME]", "let another model answer from here on", setting.model),
    Command("system", "[TEXT|none]", "tell the model something in front of all turns",
            setting.system),
    Command("set", "[NAME VALUE|default]", "change any option of sampling, structure or loading",
            setting.set_option, ("parameter", "param", "temperature", "temp", "seed")),
    Command("show", "[model|parameters|system|template]", "what holds for this conversation",
            setting.show, ("info",)),
    Command("think", "[show|fold|hide|on|off|TOKENS]", "how reasoning is shown, or its budget",
            setting.think, ("thinking", "reasoning")),
    Command("retry", "", "answer the last question again, beside its answer", branching.retry,
            ("regenerate", "regen", "again")),
    Command("edit", "[NUMBER] [TEXT]", "change a question, the last by default, and ask it anew",
            branching.edit),
    Command("undo", "", "go back to before the last question", branching.undo, ("back",)),
    Command("branch", "[NUMBER]", "go on from after an earlier question", branching.branch,
            ("fork", "goto")),
    Command("branches", "[NUMBER [NUMBER]]", "list the branches, go to one, or compare two",
            branching.branches),
    Command("compare", "MODEL", "ask another model the last question, and see both answers",
            branching.compare, ("vs",)),
    Command("turns", "", "the questions of this branch by number, and how they were answered",
            telling.turns, ("history", "log")),
    Command("save", "[TITLE]", "give the conversation a title; it is kept in any case",
            keeping.save, ("rename", "title")),
    Command("load", "NUMBER|WORDS", "go on with an earlier conversation", keeping.load,
            ("resume", "open", "continue")),
    Command("chats", "[WORDS]", "the latest conversations, or those with these words",
            keeping.chats, ("list", "ls", "search", "sessions")),
    Command("export", "[FILE]", "write the conversation to a file: .md, .json or .html",
            keeping.export),
    Command("attach", "FILE", "send a file with the next question, as @FILE in it does",
            keeping.attach, ("file", "read", "add")),
    Command("copy", "[code]", "put the last answer, or its code, on the clipboard", keeping.copy,
            ("yank",)),
    Command("tokens", "[TEXT]", "how many tokens a text has, or the conversation", telling.tokens,
            ("context", "usage")),
    Command("stats", "", "counts and speed of the last reply", telling.stats, ("stat",)),
    Command("compact", "", "let the model summarise the oldest turns, to make room",
            telling.compact, ("summarise", "summarize", "compress")),
    Command("clear", "", "begin a new conversation", keeping.clear, ("new", "reset")),
    Command("bye", "", "leave, as Ctrl-D does", _leave, ("exit", "quit", "q")),
)  # fmt: skip

NAMES = {command.name: command.help for command in COMMANDS}
"""Of each command, what it does."""

_BY_NAME = {name: one for one in COMMANDS for name in (one.name, *one.also)}

KEYS = """\
Enter sends; Alt-Enter or Ctrl-J begins a new line; Ctrl-R searches what you typed before.
\"\"\" begins a text of several lines, and \"\"\" ends it.
Tab completes commands, models and files; Ctrl-G opens your editor; Ctrl-T shows the reasoning.
Ctrl-C stops a reply; what it said is kept."""


def _typed(command: Command) -> str:
    return f"/{command.name} {command.usage}".rstrip()


_WIDTH = max(len(_typed(command)) for command in COMMANDS) + 2


def obey(talk: "Talk", name: str, argument: str) -> None:
    """Do what a command says. Raises Leave, and what the command does."""
    command = _BY_NAME.get(name)
    if command is None:
        near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.7)
        meant = f"did you mean /{near[0]}? " if near else ""
        talk.face.note(f"there is no command /{name}; {meant}/help lists them")
    elif command.name == "set" and name not in ("set", "parameter", "param"):
        command.do(talk, f"{name} {argument}")  # `/temperature 0.7`
    else:
        command.do(talk, argument)


def needs_loading(options: Iterable[str]) -> bool:
    """Whether the model has to be loaded again for one of these options to hold."""
    return any(BY_NAME[name].group == "loading" for name in options)
