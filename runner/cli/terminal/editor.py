"""A person's own editor on a file: $VISUAL, else $EDITOR, else what the system has."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from runner.errors import ConfigurationError


def edit(path: Path) -> None:
    """Run the editor until it is closed. Raises ConfigurationError where it cannot be run."""
    try:
        _run(path)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"the editor failed: {error}", remedy=f"Set EDITOR, or change {path} yourself."
        ) from error


def changed(text: str) -> str:
    """The text as it was changed in the editor. Raises ConfigurationError where it cannot be."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "text.md"
        try:
            path.write_text(text, encoding="utf-8", errors="replace")
            _run(path)
            changed = path.read_text(encoding="utf-8", errors="replace")
        except (OSError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(
                f"the editor failed: {error}", remedy="EDITOR names another."
            ) from error
    return changed.removesuffix("\n")  # which editors put there


def _run(path: Path) -> None:
    subprocess.run([*_command(), str(path)], check=True)


def _command() -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named:
        try:
            # On Windows a backslash is part of a path.
            return [part.strip('"') for part in shlex.split(named, posix=sys.platform != "win32")]
        except ValueError as error:
            raise ConfigurationError(
                f"the editor {named!r} cannot be run: {error}", remedy="Set EDITOR to another."
            ) from error
    known = ("notepad",) if sys.platform == "win32" else ("nano", "vim", "vi")
    for program in known:
        if shutil.which(program):
            return [program]
    raise ConfigurationError("there is no editor", remedy="Set EDITOR to one.")
