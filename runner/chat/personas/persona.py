"""A persona as its file says it, and where personas are found.

A persona may come from somebody else. So it sets only what shapes a conversation: it can name no
tool, no server and no device, and one that lies outside the user's own folder can attach only what
lies beside it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import ConfigurationError
from runner.option import Option
from runner.paths import config_file
from runner.settings import BY_NAME, OPTIONS

NAME = re.compile(r"\w[\w-]{0,63}")
"""What a persona may be called: its file then stays inside its folder on every system."""

GROUPS = ("sampling", "more sampling", "structure")
OTHERS = ("system", "think", "think_tokens", "file", "ctx")
ALLOWED = tuple(one.name for one in OPTIONS if one.group in GROUPS or one.name in OTHERS)
PATHS = ("file", "json_schema", "grammar")
"""Options that name files. In a persona such a path begins at the persona's folder."""

SHIPPED = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona. `settings` are options by name, checked, their paths absolute."""

    name: str
    path: Path
    description: str
    model: str | None
    settings: dict[str, Any]

    @property
    def shipped(self) -> bool:
        return self.path.parent == SHIPPED

    @property
    def files(self) -> tuple[Path, ...]:
        """Files on this disk that it names."""
        named = [value for key in PATHS for value in _many(self.settings.get(key, ()))]
        return tuple(Path(text) for text in named if not _inline(text))


def folder() -> Path:
    """Where a user's own personas lie."""
    return config_file().with_name("personas")


def find(name_or_path: str) -> Persona:
    """The persona of this name, the user's before a shipped one; or, given a path or a name that
    ends in .toml, the one in that file. Raises ConfigurationError."""
    if name_or_path.endswith(".toml") or "/" in name_or_path or "\\" in name_or_path:
        return read(Path(name_or_path).expanduser())
    place = _places().get(name_or_path)
    if place is None:
        raise ConfigurationError(
            f"there is no persona {name_or_path!r}", remedy=_nearest(name_or_path)
        )
    return read(place)


def names() -> list[str]:
    """The names of all personas, whatever their files say."""
    return list(_places())


def listed(problem: Callable[[ConfigurationError], None] | None = None) -> list[Persona]:
    """All personas by name. `problem` is told of each that makes no sense; without it the first
    such raises ConfigurationError."""
    found = []
    for path in _places().values():
        try:
            found.append(read(path))
        except ConfigurationError as error:
            if problem is None:
                raise
            problem(error)
    return found


def read(path: Path) -> Persona:
    """The persona in a file. Raises ConfigurationError, naming the file and the key."""
    table = _table(path)
    settings = {}
    for key, value in table.items():
        if key not in ("description", "model"):
            option = _option(key, path)
            settings[key] = _placed(key, option.checked(value, f"{path}: {key}"), path.parent)
    for key in ("description", "model"):
        if not isinstance(table.get(key, ""), str):
            raise ConfigurationError(f"{path}: {key} must be text")
    persona = Persona(
        path.stem,
        path,
        table.get("description", ""),
        table.get("model") or None,
        settings,
    )
    if path.parent != folder():
        require_inside(persona)
    return persona


def require_inside(persona: Persona) -> None:
    """Raise ConfigurationError if the persona names a file that does not lie in its folder."""
    inside = persona.path.parent.resolve()
    for path in persona.files:
        if not path.resolve().is_relative_to(inside):
            raise ConfigurationError(
                f"{persona.path}: {path} lies outside the persona's folder",
                remedy="Put it beside the persona, or make the persona one of your own: "
                "`runner personas new`.",
            )


def _table(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{path}: is not TOML: {error}",
            remedy='A line looks like `temperature = 0.2` or `system = "Be brief."`.',
        ) from error


def _option(key: str, path: Path) -> Option:
    if key not in ALLOWED:
        can = "cannot be set by a persona" if key in BY_NAME else "is no option"
        raise ConfigurationError(
            f"{path}: {key!r} {can}",
            remedy=f"A persona sets description, model, {', '.join(OTHERS)}, and the options of "
            "sampling and structure that `runner config` lists.",
        )
    return BY_NAME[key]


def _placed(key: str, value: Any, beside: Path) -> Any:
    """A value as the settings take it; a relative path begins at the folder `beside`."""
    if key not in PATHS:
        return value.strip() if key == "system" else value
    placed = tuple(
        text if _inline(text) else str(beside.absolute() / Path(text).expanduser())
        for text in _many(value)
    )
    return placed if BY_NAME[key].many else placed[0]


def _many(value: Any) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def _inline(text: str) -> bool:
    """Whether it is a schema itself rather than the name of its file."""
    return text.lstrip().startswith("{")


def _places() -> dict[str, Path]:
    """The file of each persona, by name."""
    found: dict[str, Path] = {}
    for place in (SHIPPED, folder()):
        try:
            paths = sorted(place.glob("*.toml"))
        except OSError:
            paths = []
        found |= {path.stem: path for path in paths if NAME.fullmatch(path.stem)}
    return dict(sorted(found.items()))


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    meant = get_close_matches(name.lower(), _places(), n=1)
    return (f"Did you mean {meant[0]!r}? " if meant else "") + "`runner personas` lists them."
