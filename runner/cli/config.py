"""`runner config`: every option's value and where it comes from."""

from json import dumps as json_text

from runner.cli import options
from runner.paths import config_file, data_directory
from runner.settings import OPTIONS


def config(json: options.Json = None) -> None:
    """Show every option's value and where it was set."""
    settings = options.settings(locals())

    from runner.cli.output import print_facts, print_json, print_table

    path = config_file()
    if settings.json:
        values = {
            option.name: {
                "value": settings.get(option.name),
                "origin": settings.origin(option.name),
                "variable": option.variable,
            }
            for option in OPTIONS
        }
        there = {"path": str(path), "exists": path.is_file()}
        print_json({"file": there, "data_directory": str(data_directory()), "options": values})
        return
    there_or_not = "" if path.is_file() else "   (no such file: create it to set options)"
    print_facts([("file", f"{path}{there_or_not}"), ("data", str(data_directory()))])
    print()
    rows = []
    for option in OPTIONS:
        value, origin = settings.get(option.name), settings.origin(option.name)
        if value is None:
            rows.append((option.name, "", f"default: {option.default}"))
        else:
            rows.append((option.name, _toml(value), origin))
    print_table(("OPTION", "VALUE", "FROM"), rows)


def _toml(value: object) -> str:
    """A value as it would stand in the file."""
    if isinstance(value, tuple):
        return json_text(list(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
