"""`runner chats`: the conversations that are kept, found, named, deleted, exported, imported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.cli.errors import explained
from runner.cli.exchange import export_chats, import_chats
from runner.cli.help import GroupedHelp
from runner.cli.words import brief
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.chat.chats import Chat, Chats, Summary

chats = typer.Typer(rich_markup_mode=None)

CHAT = "Its number, or words of its title or of what was said in it."
Words = Annotated[list[str], typer.Argument(help=CHAT, metavar="CHAT...", show_default=False)]
NUMBER = "Its number, as `runner chats` lists it."
Number = Annotated[int, typer.Argument(help=NUMBER, metavar="NUMBER", show_default=False)]
Tags = Annotated[list[str], typer.Argument(help="Tags.", metavar="TAG...", show_default=False)]
TAG = "Only conversations that have this tag."
LIMIT = "At most so many."
YES = "Delete without asking."


@chats.callback(invoke_without_command=True)
def root(context: typer.Context, json: options.Json = None, quiet: options.Quiet = None) -> None:
    """Find, name, delete, export and import conversations.

    Without a command they are listed. `runner chat --resume NUMBER` goes on with one.
    """
    if context.invoked_subcommand is None:
        explained(list_chats)(json=json, quiet=quiet)


def list_chats(
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help=TAG)] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, metavar="COUNT", help=LIMIT)
    ] = None,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """List conversations, the one that something was said in last first."""
    settings = options.settings(locals())

    from runner.cli.output import print_json, print_table, remark
    from runner.cli.words import ago

    with _opened() as kept:
        found = kept.list(tag=tag, limit=limit)
    if settings.json:
        print_json({"chats": [_facts(one) for one in found]})
        return
    if not found:
        remark("there are none yet; `runner chat` begins one", settings)
        return
    rows = [
        (str(one.number), brief(one.title), one.model, str(one.turns), ago(one.updated),
         ", ".join(one.tags))
        for one in found
    ]  # fmt: skip
    print_table(("NUMBER", "TITLE", "MODEL", "TURNS", "LAST", "TAGS"), rows)


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", show_default=False)],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="COUNT", help=LIMIT)] = 20,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Find what was asked or answered, by the words that are in it.

    All of them have to be; of the last one the beginning is enough. The newest comes first.
    """
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.cli.output import print_json, print_table, remark
    from runner.cli.words import ago

    with _opened() as kept:
        hits = kept.search(" ".join(words), limit)
    if settings.json:
        facts = [
            {"chat": one.chat, "title": one.title, "turn": one.turn, "role": one.role,
             "at": one.at.isoformat(), "text": one.snippet}
            for one in hits
        ]  # fmt: skip
        print_json({"hits": facts})
    elif not hits:
        remark("nothing that was kept has these words", settings)
    else:
        who = {"user": "you", "assistant": "model"}
        rows = [
            (str(one.chat), brief(one.title, 40), who.get(one.role, one.role), ago(one.at),
             brief(one.snippet, 200))
            for one in hits
        ]  # fmt: skip
        print_table(("NUMBER", "TITLE", "WHO", "WHEN", "TEXT"), rows)


def show(chat: Words, json: options.Json = None, quiet: options.Quiet = None) -> None:
    """Print a conversation as it stands; with --json with all its branches."""
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.chat.exchange import dialogue_of
    from runner.chat.exporting import exported
    from runner.cli.terminal.clean import clean

    with _opened() as kept:
        dialogue = dialogue_of(kept.find(" ".join(chat)))
    if settings.json:
        print(exported([dialogue], "json"), end="")
    else:
        print(clean(exported([dialogue], "markdown")), end="")


def rename(
    number: Number,
    title: Annotated[list[str], typer.Argument(metavar="TITLE...", show_default=False)],
) -> None:
    """Give a conversation a title."""
    from runner.cli.terminal.clean import clean

    with _opened() as kept:
        chat = kept.open(number)
        chat.title = " ".join(" ".join(title).split())
        print(clean(f"{number}   {chat.title}"))


def tag(number: Number, tags: Tags) -> None:
    """Give a conversation tags, to list it by."""
    with _opened() as kept:
        chat = kept.open(number)
        chat.tags = tuple(dict.fromkeys((*chat.tags, *tags)))
        _print_tags(chat)


def untag(number: Number, tags: Tags) -> None:
    """Take tags from a conversation."""
    with _opened() as kept:
        chat = kept.open(number)
        if missing := [one for one in tags if one not in chat.tags]:
            raise ConfigurationError(f"conversation {number} has no tag {missing[0]!r}")
        chat.tags = tuple(one for one in chat.tags if one not in tags)
        _print_tags(chat)


def delete(
    numbers: Annotated[
        list[int], typer.Argument(help=NUMBER, metavar="NUMBER...", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help=YES)] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Delete conversations, with what is kept on this disk of their prompts.

    Asks first at a terminal; elsewhere it needs --yes.
    """
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.cli.loading import agreed, at_terminal
    from runner.cli.output import print_json
    from runner.cli.terminal.clean import clean
    from runner.cli.words import size

    if not yes and not at_terminal():
        raise ConfigurationError("nobody is here to be asked", remedy="Delete with --yes.")
    with _opened() as kept:
        # All are looked up before any is deleted, so that a slip deletes none.
        found = {number: kept.open(number) for number in numbers}
        turns = {number: _count(chat) for number, chat in found.items()}
        agreed_to = [
            number
            for number, chat in found.items()
            if yes or agreed(f"Delete {number}, {brief(chat.title)!r} ({turns[number]})?")
        ]
        freed = kept.delete(*agreed_to) if agreed_to else {}
    if settings.json:
        gone = [
            {"number": number, "title": found[number].title, "prompt_bytes": count}
            for number, count in freed.items()
        ]
        print_json({"deleted": gone})
        return
    for number, count in freed.items():
        prompts = f", {size(count)} of prompts" if count else ""
        print(clean(f"deleted {number}, {brief(found[number].title)!r}: {turns[number]}{prompts}"))


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_chats,
    "search": search,
    "show": show,
    "rename": rename,
    "tag": tag,
    "untag": untag,
    "delete": delete,
    "export": export_chats,
    "import": import_chats,
}
for name, command in COMMANDS.items():
    chats.command(name, cls=GroupedHelp)(explained(command))


@contextmanager
def _opened() -> "Iterator[Chats]":
    from runner.chat.chats import Chats
    from runner.cli.output import note

    with Chats(remark=note) as kept:
        yield kept


def _facts(one: "Summary") -> dict[str, Any]:
    return {
        "number": one.number,
        "title": one.title,
        "model": one.model,
        "turns": one.turns,
        "updated": one.updated.isoformat(),
        "tags": list(one.tags),
    }


def _print_tags(chat: "Chat") -> None:
    from runner.cli.terminal.clean import clean

    print(clean(f"{chat.number}   {brief(chat.title)}   {', '.join(chat.tags)}".rstrip()))


def _count(chat: "Chat") -> str:
    turns = len(chat.tree())
    return f"{turns} turn{'s' if turns != 1 else ''}"
