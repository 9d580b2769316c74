"""`runner verify`: whether models are still what they were when they were fetched."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.errors import IntegrityError, UnknownModel

if TYPE_CHECKING:
    from runner.models.verify import Verdict

REPAIR = "Fetch what is damaged again, and nothing else."
NAMES = "Models to verify. Default: all that were fetched."


def verify(
    models: Annotated[
        list[str] | None,
        typer.Argument(help=NAMES, metavar="[MODEL]...", show_default=False),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help=REPAIR)] = False,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Read models and hold them against their recorded sha256.

    Needs no network, unless --repair finds something to mend. Ends with 11 where a model is
    damaged and stays so.
    """
    settings = options.settings(locals())

    from runner.cli.errors import show
    from runner.cli.loading import transfers
    from runner.cli.output import print_json
    from runner.models import verify as verifying

    records = verifying.to_verify(models or (), settings.model_folders or ())
    verdicts: list[Verdict] = []
    with transfers(settings) as how:
        for record in records:
            found = verifying.verify(record, how["checking"])
            if repair:
                try:
                    found = verifying.repair(record, found, how["hub"], how["progress"])
                except UnknownModel as error:
                    # It stays damaged; the others can be mended all the same.
                    how["checking"].clear()
                    show(error)
            verdicts += found
            if not settings.json:
                how["checking"].clear()
                for verdict in found:
                    _print(verdict, len(record.files) > 1)
    if settings.json:
        print_json({"files": [_facts(verdict) for verdict in verdicts]})
    damaged = [verdict.name for verdict in verdicts if verdict.state in ("damaged", "missing")]
    if damaged and settings.json:
        raise typer.Exit(IntegrityError.exit_code)
    if damaged:
        names = ", ".join(dict.fromkeys(damaged))
        raise IntegrityError(
            f"{len(damaged)} of {len(verdicts)} files are not what was fetched: {names}",
            remedy="" if repair else "runner verify --repair fetches what is damaged again.",
        )


def _print(verdict: "Verdict", split: bool) -> None:
    from runner.cli.terminal.clean import clean
    from runner.cli.words import size

    name = f"{verdict.name} {verdict.path.name}" if split else verdict.name
    wrong = size(verdict.wrong_bytes)
    said = {
        "whole": size(verdict.bytes),
        "missing": str(verdict.path),
        "damaged": f"{wrong} of {size(verdict.bytes)}, {_places(verdict)}: {verdict.path}",
        "mended": f"{wrong} of {size(verdict.bytes)} fetched again",
    }[verdict.state]
    print(clean(f"{verdict.state:<8} {name}   {said}"), flush=True)


def _places(verdict: "Verdict", most: int = 4) -> str:
    """Where the damage is, in bytes from the file's start."""
    ranges = [f"{part.start}-{part.stop - 1}" for part in verdict.wrong[:most]]
    more = f" and {len(verdict.wrong) - most} more" if len(verdict.wrong) > most else ""
    return f"bytes {', '.join(ranges)}{more}"


def _facts(verdict: "Verdict") -> dict[str, Any]:
    return {
        "name": verdict.name,
        "path": str(verdict.path),
        "bytes": verdict.bytes,
        "state": verdict.state,
        "wrong": [[part.start, part.stop] for part in verdict.wrong],
    }
