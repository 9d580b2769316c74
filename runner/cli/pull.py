"""`runner pull`: a model from the Hub to this disk, whole and verified."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.models import Located
    from runner.settings import Settings

FROM = "Fetch the models of this lock file, bit by bit as `runner export` saw them."
QUANT = "This quantization, such as Q4_K_M. Default: the best that fits well on this machine."
FILE = "This file of the repository."
FORCE = "Fetch it even where it does not fit on this machine."
ACCEPT_NEW = (
    "Take what the repository holds now where that is not the file that the catalogue knows."
)


def pull(
    model: options.OptionalPull = None,
    quant: Annotated[
        str | None, typer.Option("--quant", help=QUANT, metavar="NAME", show_default=False)
    ] = None,
    repository_file: Annotated[
        str | None, typer.Option("--file", help=FILE, metavar="PATH", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=FORCE)] = False,
    lock: Annotated[
        Path | None, typer.Option("--from", help=FROM, metavar="LOCK", show_default=False)
    ] = None,
    accept_new: Annotated[bool, typer.Option("--accept-new", help=ACCEPT_NEW)] = False,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
) -> None:
    """Fetch a model from Hugging Face.

    Of several quantizations it takes the best that fits well here, and says why. What an earlier
    run began is continued. The file is kept only if its sha256 is right. It lands in the Hugging
    Face cache, where other programs find it too; what they put there, or into their own folders,
    is not fetched again.
    """
    settings = options.settings(locals())
    if (model is None) == (lock is None):
        raise ConfigurationError(
            "pull takes either a MODEL or --from LOCK", remedy="`runner pull --help` shows how."
        )

    if lock is not None and (quant or repository_file or force or accept_new):
        raise ConfigurationError(
            "a lock file says itself what to fetch",
            remedy="Leave --quant, --file, --force and --accept-new out.",
        )

    from runner.cli.facts import located_facts
    from runner.cli.loading import fetch, pick
    from runner.cli.output import print_json

    if lock is not None:
        found = _locked(lock, settings)
        if settings.json:
            print_json({"models": [located_facts(located) for located in found]})
        return
    named = pick(_named(str(model), quant, repository_file), settings, force=force)
    located = fetch(named, settings, accept_new=accept_new)
    if settings.json:
        print_json(located_facts(located))
    else:
        _print(located)


def _named(model: str, quant: str | None, file: str | None) -> str:
    """The model as one text, with the quantization or the file that options name."""
    from dataclasses import replace

    from runner.reference import CatalogReference, HubReference, parse

    if quant is None and file is None:
        return model
    reference = parse(model)
    if quant is not None and file is None:
        if isinstance(reference, CatalogReference | HubReference) and not reference.quantization:
            return str(replace(reference, quantization=quant))
    elif quant is None and isinstance(reference, HubReference):
        return str(replace(reference, quantization=None, file=file))
    raise ConfigurationError(
        "--quant names one quantization of a model, --file one file of a repository, and not both",
        remedy="Such as: runner pull org/repo --file model-Q4_K_M.gguf",
    )


def _locked(lock: Path, settings: "Settings") -> "list[Located]":
    """Fetch what a lock file names, one after another."""
    from runner.cli.loading import transfers
    from runner.models.lock import pull_locked, read_lock

    found = []
    for model in read_lock(lock):
        with transfers(settings) as how:
            found.append(pull_locked(model, **how))
        if not settings.json:
            _print(found[-1])
    return found


def _print(located: "Located") -> None:
    from runner.cli.facts import bytes_of
    from runner.cli.terminal.clean import clean
    from runner.cli.words import size

    print(clean(f"{located.name}   {size(bytes_of(located))}   {located.path}"), flush=True)
