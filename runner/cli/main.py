"""The `runner` command. Modules of commands stay light: each imports what it needs when it runs."""

from collections.abc import Callable
from typing import Annotated

import typer

from runner import __version__
from runner.cli.bench import bench
from runner.cli.cache import cache
from runner.cli.catalog import catalog
from runner.cli.chat import chat
from runner.cli.chats import chats
from runner.cli.compare import compare
from runner.cli.completion import completion
from runner.cli.config import config
from runner.cli.doctor import doctor
from runner.cli.embed import embed
from runner.cli.errors import EXIT_CODES, explained
from runner.cli.evaluate import evaluate
from runner.cli.export import export
from runner.cli.fit import fit
from runner.cli.help import GroupedHelp
from runner.cli.history import history
from runner.cli.list import list_models
from runner.cli.map import map_prompts
from runner.cli.personas import personas
from runner.cli.prune import prune
from runner.cli.pull import pull
from runner.cli.quantize import quantize
from runner.cli.recommend import recommend
from runner.cli.report import report
from runner.cli.rm import rm
from runner.cli.run import run
from runner.cli.search import search
from runner.cli.show import show
from runner.cli.streams import replace_unencodable
from runner.cli.tune import tune
from runner.cli.update import update
from runner.cli.verify import verify
from runner.cli.worker import worker

COMMANDS: dict[str, Callable[..., None]] = {
    "chat": chat,
    "run": run,
    "map": map_prompts,
    "search": search,
    "fit": fit,
    "recommend": recommend,
    "pull": pull,
    "list": list_models,
    "show": show,
    "update": update,
    "rm": rm,
    "verify": verify,
    "prune": prune,
    "export": export,
    "quantize": quantize,
    "cache": cache,
    "bench": bench,
    "eval": evaluate,
    "compare": compare,
    "tune": tune,
    "report": report,
    "embed": embed,
    "worker": worker,
    "doctor": doctor,
    "config": config,
    "completion": completion,
}

app = typer.Typer(
    name="runner",
    # Plain help: rich alone would take as long to import as all the rest.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
for name, command in COMMANDS.items():
    app.command(name, cls=GroupedHelp)(explained(command))
app.add_typer(chats, name="chats")
app.add_typer(history, name="history")
app.add_typer(personas, name="personas")
app.add_typer(catalog, name="catalog")


def _version(asked: bool) -> None:
    if asked:
        print(f"runner {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Fetch open-weight language models and run them on your own machine."""


def main() -> None:
    """Run the command line; ends the process."""
    replace_unencodable()
    app(prog_name="runner")
