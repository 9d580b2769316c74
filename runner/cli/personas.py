"""`runner personas`: the named presets of `--persona`, shown, made, changed and taken over."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.cli.errors import explained
from runner.cli.help import GroupedHelp
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.chat.personas import Persona

personas = typer.Typer(rich_markup_mode=None)

NAME = "Its name, or a .toml file."
Name = Annotated[str, typer.Argument(help=NAME, metavar="PERSONA", show_default=False)]
NEW = "What to call it: letters, digits, - and _."
LIKE = "Begin with a copy of this persona."
FILE = "A persona that somebody shared: a .toml file."
AS = "Call it so. Default: as its file is called."
YES = "Delete without asking."


@personas.callback(invoke_without_command=True)
def root(context: typer.Context, json: options.Json = None) -> None:
    """Presets of system prompt, model, sampling, files and schema.

    Without a command they are listed. `runner chat --persona NAME` and `runner run --persona NAME`
    use one; what the command line says goes before it.
    """
    if context.invoked_subcommand is None:
        explained(list_personas)(json=json)


def list_personas(json: options.Json = None) -> None:
    """List all personas: those that ship and your own."""
    settings = options.settings({"json": json})

    from runner.chat.personas import listed
    from runner.cli.errors import show as show_error
    from runner.cli.output import print_json, print_table

    found = listed(show_error)
    if settings.json:
        print_json({"personas": [_facts(one) for one in found]})
        return
    rows = [
        (one.name, one.model or "", "Runner" if one.shipped else "you", one.description)
        for one in found
    ]
    print_table(("NAME", "MODEL", "FROM", "DESCRIPTION"), rows)


def show(persona: Name, json: options.Json = None) -> None:
    """Show a persona's file, or with --json what it sets."""
    settings = options.settings({"json": json})

    from runner.chat.personas import find
    from runner.cli.output import print_json
    from runner.cli.terminal.clean import clean

    found = find(persona)
    if settings.json:
        print_json(_facts(found))
    else:
        print(clean(found.path.read_text("utf-8-sig")).rstrip("\n"))


def new(
    name: Annotated[str, typer.Argument(help=NEW, metavar="NAME", show_default=False)],
    like: Annotated[
        str | None, typer.Option("--like", metavar="PERSONA", help=LIKE, show_default=False)
    ] = None,
) -> None:
    """Make a persona of your own.

    At a terminal your editor opens it ($VISUAL, $EDITOR); elsewhere its path is printed.
    """
    from runner.chat.personas import find, make

    _edit(make(name, like=find(like) if like else None))


def edit(persona: Name) -> None:
    """Change a persona in your editor.

    One that ships is copied first: yours of the same name goes before it.
    """
    from runner.chat.personas import find, make
    from runner.cli.output import note

    found = find(persona)
    path = found.path
    if found.shipped:
        path = make(found.name, like=found)
        note(f"{found.name} ships with Runner; this is your copy of it, which goes before it")
    _edit(path)


def add(
    file: Annotated[Path, typer.Argument(help=FILE, metavar="FILE", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help=AS, show_default=False)
    ] = None,
    json: options.Json = None,
) -> None:
    """Take over a persona that somebody shared, with the files beside it that it names.

    A persona can run nothing and reach nobody; read its system prompt all the same.
    """
    settings = options.settings({"json": json})

    from runner.chat.personas import add
    from runner.cli.output import print_json
    from runner.cli.terminal.clean import clean

    added = add(file, name)
    if settings.json:
        print_json(_facts(added))
    else:
        print(clean(f"added {added.name}: {added.path}"))


def rm(
    persona: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=YES)] = False,
    json: options.Json = None,
) -> None:
    """Delete a persona of your own. Files that it names stay."""
    settings = options.settings({"json": json})

    from runner.chat.personas import find, remove
    from runner.cli.loading import agreed, at_terminal
    from runner.cli.output import print_json
    from runner.cli.terminal.clean import clean

    if not yes and not at_terminal():
        raise ConfigurationError("nobody is here to be asked", remedy="Delete with --yes.")
    gone = None
    if yes or agreed(f"Delete {find(persona).path}?"):
        gone = remove(persona)
    if settings.json:
        print_json({"removed": [str(gone)] if gone else []})
    elif gone:
        print(clean(f"deleted {gone}"))


def path() -> None:
    """Print the folder of your own personas."""
    from runner.chat.personas import folder

    print(folder())


personas.command("list", cls=GroupedHelp)(explained(list_personas))
for command in (show, new, edit, add, rm, path):
    personas.command(command.__name__, cls=GroupedHelp)(explained(command))


def _facts(persona: "Persona") -> dict[str, Any]:
    return {
        "name": persona.name,
        "path": str(persona.path),
        "shipped": persona.shipped,
        "description": persona.description,
        "model": persona.model,
        "settings": persona.settings,
    }


def _edit(path: Path) -> None:
    """Let a person change the file, and say at once where it makes no sense."""
    from runner.chat.personas import find
    from runner.cli.terminal import editor

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(path)
        return
    editor.edit(path)
    find(str(path))
    print(path)
