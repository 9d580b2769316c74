"""`runner report`: measurements as one page, and as plots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.cli.exported import require_new
from runner.errors import ConfigurationError, UnknownRecord

if TYPE_CHECKING:
    from runner.bench.record import Record

RECORDS = (
    "Ids or unique beginnings of some, `latest`, `latest~1`, or JSON files. Default: the latest "
    "speeds, those that were measured together, and the latest answers of their models."
)
FORMATS = ("png", "svg")
FORM = "Of the plots in --plots, with a comma between. Default: png,svg."


def report(
    records: Annotated[
        list[str] | None, typer.Argument(help=RECORDS, metavar="[RECORD]...", show_default=False)
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")
    ] = Path("report.html"),
    folder: Annotated[
        Path | None,
        typer.Option("--plots", metavar="FOLDER", help="Write each plot as a file into it too."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="png|svg", help=FORM, show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The page's heading.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a page that is there.")] = False,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Write a page of measurements: plots, every figure, and the method.

    The page is one file that needs no network and no script; it reads well on a screen, a phone, on
    paper and aloud. Plots need matplotlib: pip install "runner-llm[report]".
    """
    settings = options.settings({"json": json, "quiet": quiet})
    formats = form.split(",") if form else FORMATS
    if unknown := [one for one in formats if one not in FORMATS]:
        raise ConfigurationError(f"plots cannot be {unknown[0]!r}", remedy="--format png,svg")
    if form and folder is None:
        raise ConfigurationError("--format is of files of plots", remedy="Give --plots FOLDER.")
    require_new(output, force)

    from runner.bench.report import entries, page, plots, write_plots
    from runner.cli.output import print_json, remark
    from runner.whole import write_whole

    chosen = _chosen(records or [])
    text = page(chosen, title=title)
    write_whole(output, text)
    drawn = write_plots(plots(entries(chosen)), folder, formats) if folder else []
    if settings.json:
        ids = [one.id for one in chosen]
        print_json({"report": str(output), "plots": list(map(str, drawn)), "records": ids})
        return
    print(output)
    for path in drawn:
        print(path)
    remark(f"{len(chosen)} record{'s'[: len(chosen) > 1]} on it; open it in a browser", settings)


def _chosen(names: list[str]) -> "list[Record]":
    from runner.bench.history import History
    from runner.bench.report.recent import recent
    from runner.cli.output import note

    history = History(remark=note)
    found = [history.get(name) for name in names] if names else recent(history)
    if not found:
        raise UnknownRecord(
            "there is no measurement yet", remedy="`runner bench` and `runner eval` add some."
        )
    return found
