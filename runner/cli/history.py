"""`runner history`: what was measured before."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.cli.errors import explained
from runner.cli.exported import require_new, write_export
from runner.cli.help import GroupedHelp
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.bench.history import Entry, History
    from runner.bench.record import Record

history = typer.Typer(rich_markup_mode=None)

RECORDS = "Ids or unique beginnings of some, `latest`, `latest~1`, or JSON files."
Records = Annotated[list[str], typer.Argument(help=RECORDS, metavar="RECORD...")]
MODEL = "Only of models with these words in their name, file or quantization."
KIND = "Only of this kind: speed or quality."
SINCE = "Only from this day on, such as 2026-11-27."
FLAG = "Only those with this flag, such as THROTTLED."
LIMIT = "At most so many."
OUTPUT = "The file to write; its ending says the form. Default: stdout."
FORM = (
    "json keeps all; csv, markdown, benchstat; llama-bench-json, llama-bench-jsonl, "
    "llama-bench-csv, llama-bench-md, llama-bench-sql. Default: json."
)
ALL = "All records."
FORCE = "Replace a file that is there."
LISTED = 3
"""Figures of a record in the list."""
FILES = "Files of `runner history export`, of --json, or of `llama-bench -o json` or jsonl."


@history.callback(invoke_without_command=True)
def root(context: typer.Context, json: options.Json = None, quiet: options.Quiet = None) -> None:
    """List, show, export and import measurements.

    Without a command they are listed. Records are added by bench, eval, compare and tune, and never
    changed or deleted.
    """
    if context.invoked_subcommand is None:
        explained(list_records)(json=json, quiet=quiet)
    # What stands before a command is meant for it.
    given = {name: is_on for name, is_on in (("json", json), ("quiet", quiet)) if is_on is not None}
    context.default_map = dict.fromkeys(COMMANDS, given)


def list_records(
    of: Annotated[str | None, typer.Option("--model", metavar="WORDS", help=MODEL)] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help=KIND)] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help=SINCE)] = None,
    flag: Annotated[str | None, typer.Option(metavar="FLAG", help=FLAG)] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="COUNT", help=LIMIT)] = 20,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """List measurements, the latest first."""
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.bench.plain import to_plain
    from runner.cli.fitted import print_fitted
    from runner.cli.output import print_json, remark

    if kind not in (None, "speed", "quality"):
        raise ConfigurationError(f"there is no kind {kind!r}", remedy=KIND)
    try:
        found = _history().find(
            model=of,
            kind=kind,  # type: ignore[arg-type]
            since=since,
            flag=flag.upper() if flag else None,
            limit=limit,
        )
    except ValueError as error:
        raise ConfigurationError(f"--since is {since!r}: {error}", remedy=SINCE) from error
    if settings.json:
        print_json({"records": to_plain(found)})
    elif not found:
        remark("there are none; `runner bench` and `runner eval` add some", settings)
    else:
        print_fitted(
            ("ID", "MEASURED", "KIND", "WHAT", "FIGURES", "FLAGS"),
            list(map(_row, found)),
            spare=("KIND",),
            wrapped=(("WHAT", "FIGURES"), ("FLAGS",)),
        )


def show(records: Records, json: options.Json = None, quiet: options.Quiet = None) -> None:
    """Print records: figures, method, machine; with --json all of them."""
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.cli.records import print_records

    print_records(_get(records), settings)


def export(
    records: Annotated[
        list[str] | None, typer.Argument(help=RECORDS, metavar="[RECORD]...", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=ALL)] = False,
    form: Annotated[
        str | None, typer.Option("--format", "-f", metavar="FORM", help=FORM, show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help=OUTPUT, show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=FORCE)] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Write records as JSON, or as tables and other programs read them."""
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.bench.exports import exported, has_place, left_out, whole

    if everything == bool(records):
        raise ConfigurationError("which records?", remedy="Name some, or give --all.")
    chosen = _form(form, output)
    require_new(output, force)
    kept = _history()
    names = [one.id for one in reversed(kept.find())] if everything else records or []
    read = [kept.read(name) for name in names]
    found = [one.record for one in read]
    if not has_place(found, chosen):
        raise ConfigurationError(
            f"{chosen} is for speeds, and these records have none to write",
            remedy="--format json, csv or markdown takes all records.",
        )
    write_export(
        whole([one.value for one in read]) if chosen == "json" else exported(found, chosen),
        output,
        settings,
        left_out=left_out(found, chosen),
        count=_count(len(found)),
        facts={"format": chosen, "records": [one.id for one in found]},
    )


def import_records(
    files: Annotated[list[Path], typer.Argument(help=FILES, metavar="FILE...", show_default=False)],
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Add records of files; one that is here already does not come twice."""
    settings = options.settings({"json": json, "quiet": quiet})

    from runner.bench.files import read_whole
    from runner.cli.output import print_json
    from runner.cli.terminal.clean import clean

    kept, facts = _history(), []
    for path, found in [(path, read_whole(path)) for path in files]:
        added = kept.add_read(found)
        here = len(found) - added
        ids = [one.record.id for one in found]
        facts.append({"path": str(path), "records": ids, "added": added, "already_here": here})
        if not settings.json:
            already = f"; {here} were here already" if here else ""
            print(clean(f"{path}   {_count(added)} added{already}: {', '.join(ids)}"))
    if settings.json:
        print_json({"files": facts})


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_records,
    "show": show,
    "export": export,
    "import": import_records,
}
for name, command in COMMANDS.items():
    history.command(name, cls=GroupedHelp)(explained(command))


def _history() -> "History":
    from runner.bench.history import History
    from runner.cli.output import note

    return History(remark=note)


def _get(names: Sequence[str]) -> "list[Record]":
    kept = _history()
    return [kept.get(name) for name in names]


def _row(one: "Entry") -> tuple[str, ...]:
    from datetime import datetime

    from runner.bench.exports.markdown import figure
    from runner.cli.words import ago, brief

    figures, first = [], one.figures[:LISTED]
    for some, after in zip_longest(first, first[1:]):
        told = figure(some.median, some.unit, some.items)
        if after is not None and after.unit == some.unit:  # said once, at the end
            told = told.removesuffix(some.unit).rstrip()
        figures.append(f"{some.test} {told}")
    if (more := len(one.figures) - LISTED) > 0:
        figures.append(f"{more} more")
    when = ago(datetime.fromisoformat(one.date))
    return (
        one.id,
        when,
        one.kind,
        brief(one.name, 40),
        ", ".join(figures),
        " ".join(one.flags),
    )


def _form(named: str | None, output: Path | None) -> str:
    """The form that was asked for, by name or by the file's ending."""
    from runner.bench.exports import FORMS, form_of

    form = named or (form_of(output) if output else "json")
    if form is None:
        raise ConfigurationError(f"{output}: its ending names no form", remedy="Give --format.")
    if form not in FORMS:
        raise ConfigurationError(
            f"there is no form {form!r}", remedy=f"There are {', '.join(FORMS)}."
        )
    return form


def _count(count: int) -> str:
    return f"{count} record{'s' if count != 1 else ''}"
