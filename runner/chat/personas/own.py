"""A user's own personas: made, taken over from a file, and removed."""

import shutil
from pathlib import Path

from runner.chat.personas.persona import NAME, Persona, find, folder, read, require_inside
from runner.errors import ConfigurationError, DiskError
from runner.whole import write_whole

BLANK = '''\
# A persona: what `runner chat --persona {name}` begins with. Only what is set here is changed.
description = ""

# What the model is told before you speak.
system = """
You are a helpful assistant.
"""

# model = "tiny"             # a name as `runner chat` takes it
# temperature = 0.3          # and any other option of sampling or structure: `runner config`
# think = "fold"             # show, fold, hide, on or off
# file = ["notes.md"]        # attached to the first message; a path begins at this folder
# json_schema = "answer.json"
'''


def make(name: str, *, like: Persona | None = None) -> Path:
    """Write a persona of one's own to begin from: a copy of `like`, or one with hints. Its path.

    Raises ConfigurationError for a name that cannot be, or one that there is; DiskError.
    """
    path = _free(name)
    if like is None:
        write_whole(path, BLANK.format(name=name), make_folder=True)
    else:
        _copy(like, path)
    return path


def add(path: Path, name: str | None = None) -> Persona:
    """Take over a persona that was shared as a file, with the files beside it that it names.

    Raises ConfigurationError where it makes no sense, names files elsewhere, or would replace
    something; DiskError.
    """
    persona = read(path)
    require_inside(persona)
    place = _free(name or persona.name)
    _copy(persona, place)
    return read(place)


def remove(name: str) -> Path:
    """Delete a persona of one's own; what was deleted. Files that it names stay.

    Raises ConfigurationError for one that there is not, or that ships; DiskError.
    """
    path = folder() / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        find(name)  # says so if there is none at all
        raise ConfigurationError(
            f"{name} ships with Runner", remedy="Leave it: it takes effect only where it is asked."
        )
    try:
        path.unlink()
    except OSError as error:
        raise DiskError(f"cannot delete {path}: {error.strerror}") from error
    return path


def _free(name: str) -> Path:
    """Where a new persona of this name goes."""
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a persona's name",
            remedy="A name has letters, digits, - and _, 64 at most.",
        )
    path = folder() / f"{name}.toml"
    if path.exists():
        raise ConfigurationError(
            f"there is a persona {name} already: {path}",
            remedy=f"`runner personas edit {name}` changes it.",
        )
    return path


def _copy(persona: Persona, place: Path) -> None:
    """Copy a persona's text and, to the same places beside it, the files that it names. Nothing
    is replaced."""
    beside = persona.path.parent.absolute()
    copies = {
        file: folder() / file.relative_to(beside)
        for file in persona.files
        if file.is_relative_to(beside) and beside != folder().absolute()
    }
    for copy in copies.values():
        if copy.exists():
            raise ConfigurationError(
                f"{copy} is there already, and {persona.path.name} would bring its own",
                remedy="Rename the file beside the persona, and in it.",
            )
    try:
        for file, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    except OSError as error:
        raise DiskError(f"cannot copy {persona.path.name}'s files: {error}") from error
    write_whole(place, persona.path.read_text("utf-8-sig"), make_folder=True)
