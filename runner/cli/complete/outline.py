"""The commands, their options and the catalogue's names as plain data, kept on disk for the next
Tab. Made anew where something that it was made from has changed."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runner import __version__
from runner.errors import DiskError
from runner.whole import write_whole

if TYPE_CHECKING:
    from pathlib import Path

HERE_ONLY = ("rm", "verify", "update", "export")
"""Commands for models that are on this disk already."""

_outline: dict[str, Any] | None = None


def outline() -> dict[str, Any]:
    """`root`, the command line: a command is `name`, `help`, `commands`, `options` by each of
    their names, and `arguments`; the `value` of an option or argument is a list of words, "MODEL",
    any other metavariable, or None for a switch. And `models`: quantizations by name."""
    global _outline
    if _outline is None:
        _outline = _kept() or refresh()
    return _outline


def refresh() -> dict[str, Any]:
    """Make the outline and keep it. A disk that cannot be written keeps none."""
    made = {
        "version": __version__,
        "inputs": _times(_inputs()),
        "root": _root(),
        "models": _names(),
    }
    with suppress(DiskError):
        write_whole(_place(), json.dumps(made), make_folder=True)
    return made


def _place() -> "Path":
    from runner.paths import cache_directory

    return cache_directory() / "completion.json"


def _kept() -> dict[str, Any] | None:
    try:
        kept = json.loads(_place().read_bytes())
        current = kept["version"] == __version__ and kept["inputs"] == _times(kept["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if current else None


def _times(paths: Any) -> dict[str, int]:
    """When each file was changed last; 0 for one that is not there."""
    from pathlib import Path

    times = {}
    for path in map(str, paths):
        try:
            times[path] = Path(path).stat().st_mtime_ns
        except OSError:
            times[path] = 0
    return times


def _inputs() -> list["Path"]:
    """What the outline is made from: a folder's time changes with the names in it."""
    from pathlib import Path

    from runner.catalog import models_directory, user_catalog

    commands = Path(__file__).parents[1]
    code = commands.parent
    return [
        models_directory() / "catalog.toml",
        user_catalog(),
        code / "settings.py",
        commands,
        *commands.glob("*.py"),
    ]


def _names() -> dict[str, list[str]]:
    from runner.catalog import load_catalog
    from runner.errors import ConfigurationError

    try:
        catalog = load_catalog()
    except ConfigurationError:
        return {}
    names = {
        entry.name: [quantization.name for quantization in entry.quantizations]
        for entry in catalog.entries
    }
    return names | {alias: names[name] for alias, name in catalog.aliases.items()}


def _root() -> dict[str, Any]:
    from typer.main import get_command

    from runner.cli.main import app

    return _command("runner", get_command(app))


def _command(name: str, command: Any) -> dict[str, Any]:
    options = {}
    arguments = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        value = None if getattr(parameter, "is_flag", False) else _value(parameter)
        if parameter.param_type_name == "argument":
            arguments.append({"value": value, "many": parameter.nargs == -1})
            continue
        for spelling in (*parameter.opts, *parameter.secondary_opts):
            options[spelling] = {"value": value, "help": _first_sentence(parameter.help)}
    below = getattr(command, "commands", {})
    return {
        "name": name,
        "help": _first_sentence(command.help),
        "options": options | {"--help": {"value": None, "help": "Show this help."}},
        "arguments": arguments,
        "commands": {inner: _command(inner, one) for inner, one in below.items() if not one.hidden},
    }


def _value(parameter: Any) -> Any:
    from runner.cli.quantize import COMMON_KINDS

    words = str(parameter.metavar or "").removesuffix("...").strip("[]")
    if words == "KIND":
        return list(COMMON_KINDS)
    if "|" in words and words == words.lower():
        return words.split("|")
    return words


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split()).partition(". ")[0].removesuffix(".")
