"""`runner catalog`: for those who maintain a catalogue of models, the shipped one or their own."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.cli.errors import explained
from runner.cli.help import GroupedHelp

if TYPE_CHECKING:
    from runner.catalog import Entry
    from runner.models import Refreshed
    from runner.settings import Settings

NAMES = "Only these entries; default: all of the file."
FILE = "The catalogue to refresh. Default: the one that ships with Runner."
DRY_RUN = "Show what would change in the file, and leave it alone."

catalog = typer.Typer(
    help="Bring a catalogue of models up to date, for its maintainers.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@catalog.callback()
def root() -> None:
    """Bring a catalogue of models up to date, for its maintainers."""


def refresh(
    name: Annotated[
        list[str] | None, typer.Argument(help=NAMES, metavar="NAME...", show_default=False)
    ] = None,
    of: Annotated[
        Path | None, typer.Option("--file", help=FILE, metavar="FILE", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=DRY_RUN)] = False,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Check entries against Hugging Face and write what it says into the catalogue.

    Sizes, sha256 and commits become exact; quantizations that the repositories offer besides are
    added. Comments and order stay.
    """
    settings = options.settings(locals())

    from runner import models
    from runner.catalog import models_directory
    from runner.cli.loading import asking
    from runner.cli.output import print_json
    from runner.cli.terminal.progress import PassingLine
    from runner.whole import write_whole

    path = of or models_directory() / "catalog.toml"
    before = _text(path)
    line = PassingLine(settings)
    hub = asking(settings, line)["hub"]()
    try:
        refreshed = models.refresh(
            before,
            _chosen(path, before, name or ()),
            hub=hub,
            progress=lambda entry: line.show(f"asking about {entry}"),
        )
    finally:
        line.clear()
    write = not dry_run and refreshed.text != before
    if write:
        write_whole(path, refreshed.text)
    if settings.json:
        print_json(_facts(refreshed, path, write))
    else:
        _print(refreshed, before, path, dry_run, settings)


catalog.command("refresh", cls=GroupedHelp)(explained(refresh))


def _text(path: Path) -> str:
    from runner.errors import ConfigurationError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _chosen(path: Path, text: str, names: Sequence[str]) -> "list[Entry]":
    """The entries that stand in the catalogue at `path`, or those of these names."""
    from runner.catalog import read_catalog, shipped_catalog
    from runner.errors import UnknownModel

    # A whole catalogue has the model that ships; a user's is laid over one that has it.
    whole = re.search(r"^path\s*=", text, re.MULTILINE)
    known = read_catalog(path, over=None if whole else shipped_catalog())
    own = [entry for entry in known.entries if whole or entry.origin]
    if not names:
        return own
    chosen = [entry for name in names if (entry := known.find(name)) in own and entry]
    if len(chosen) < len(names):
        raise UnknownModel(f"{path} does not have all of {', '.join(names)}")
    return chosen


def _facts(refreshed: "Refreshed", path: Path, written: bool) -> dict[str, Any]:
    keys = ("model", "quantization", "key", "was", "now")
    return {
        "file": str(path),
        "written": written,
        "changes": [dict(zip(keys, change, strict=True)) for change in refreshed.changes],
        "problems": refreshed.problems,
    }


def _print(
    refreshed: "Refreshed", before: str, path: Path, dry_run: bool, settings: "Settings"
) -> None:
    import difflib

    from runner.cli.output import remark
    from runner.cli.terminal.clean import clean

    if dry_run:
        old, new = before.splitlines(), refreshed.text.splitlines()
        for line in difflib.unified_diff(old, new, str(path), str(path), lineterm=""):
            print(clean(line))
    for problem in refreshed.problems:
        print(clean(problem))
    models = {change[0] for change in refreshed.changes}
    would = "would change" if dry_run else "changed"
    if models:
        much = f"{len(refreshed.changes)} values of {', '.join(sorted(models))} {would}"
    else:
        much = f"nothing {would}"
    remark(f"{much} in {path}", settings)
