"""`runner chats export` and `runner chats import`: conversations to files, and from files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.cli.exported import require_new, write_export
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.chat.exporting import Form
    from runner.settings import Settings

CHAT = "A number, or words of a title or of what was said; in quotes where there are several."
OUTPUT = "The file to write; its ending says the form. Default: stdout."
FORM = "markdown or html to read, json to keep all, openai for other programs. Default: markdown."
ALL = "All conversations."
FORCE = "Replace a file that is there."
FILES = (
    "ChatGPT's export (the zip file or its conversations.json), the logs.db of llm, messages of "
    "OpenAI's API in JSON or JSONL, or what `runner chats export` wrote as JSON."
)
TAG = "Give each this tag too; may be given several times."


def export_chats(
    chat: Annotated[
        list[str] | None, typer.Argument(help=CHAT, metavar="[CHAT]...", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=ALL)] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", "-f", metavar="markdown|json|html|openai", help=FORM, show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=OUTPUT, show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=FORCE)] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Write conversations as Markdown, HTML, JSON or OpenAI messages.

    JSON has all branches and loses nothing; the others have each conversation as it stands, and
    say what they leave out.
    """
    settings = options.settings({"json": json, "quiet": quiet})
    if everything == bool(chat):
        raise ConfigurationError("which conversations?", remedy="Name some, or give --all.")
    chosen = _form(form, output, settings)
    require_new(output, force)

    from runner.chat.chats import Chats
    from runner.chat.exchange import dialogue_of
    from runner.chat.exporting import exported, left_out
    from runner.cli.output import note

    with Chats(remark=note) as kept:
        if everything:
            found = [kept.open(one.number) for one in reversed(kept.list())]
        else:
            found = [kept.find(words) for words in chat or ()]
        dialogues = [dialogue_of(one) for one in found]
    write_export(
        exported(dialogues, chosen),
        output,
        settings,
        left_out=left_out(dialogues, chosen),
        count=_conversations(len(found)),
        facts={"format": chosen, "chats": [one.number for one in found]},
    )


def import_chats(
    files: Annotated[list[Path], typer.Argument(help=FILES, metavar="FILE...", show_default=False)],
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help=TAG)] = None,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Read in conversations of other programs, or of another Runner.

    What a file is, is told from what is in it. Branches are kept; a conversation that is here
    already does not come twice. Nothing that a file says is run.
    """
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.chat.chats import Chats
    from runner.chat.exchange import keep
    from runner.chat.importing import read
    from runner.cli.output import note, print_json
    from runner.cli.terminal.clean import clean
    from runner.cli.terminal.progress import PassingLine

    line = PassingLine(settings)
    facts = []
    with Chats(remark=note) as kept:
        for path in files:
            line.show(f"reading {path.name}")
            try:
                found = read(path)
                total = len(found.dialogues)
                added = keep(
                    found.dialogues,
                    kept,
                    tags=tuple(tag or ()),
                    progress=lambda done, total=total: line.show(f"kept {done} of {total}"),  # type: ignore[misc]
                )
            finally:
                line.clear()
            new = [one.number for one in added if one is not None]
            here = len(added) - len(new)
            facts.append(
                {"path": str(path), "kind": found.kind, "chats": new, "already_here": here,
                 "problems": found.problems}
            )  # fmt: skip
            if not settings.json:
                already = f"; {here} were here already" if here else ""
                print(clean(f"{path}   {_conversations(len(new))} of a {found.kind}{already}"))
            for problem in found.problems:
                note(f"left out: {problem}")
    if settings.json:
        print_json({"files": facts})


def _form(named: str | None, output: Path | None, settings: "Settings") -> "Form":
    """The form that was asked for, by name or by the file's ending."""
    from runner.chat.exporting import WRITERS, form_of

    for known in WRITERS:
        if known == named:
            return known
    if named is not None:
        raise ConfigurationError(
            f"there is no form {named!r}", remedy=f"There are {', '.join(WRITERS)}."
        )
    if output is None:
        return "json" if settings.json else "markdown"
    form = form_of(output)
    if form is None:
        raise ConfigurationError(
            f"{output}: its ending names no form", remedy="Name it with --format, or end it in .md."
        )
    return form


def _conversations(count: int) -> str:
    return f"{count} conversation{'s' if count != 1 else ''}"
