"""What pyproject.toml asks for, and what of it a folder of packages lacks."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

LLAMA = "llama-cpp-python"


def declared(pyproject: Path, *, development: bool) -> list[str]:
    """The requirements of the program, and those of its development group, as written."""
    tables = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    requirements = list(tables["project"]["dependencies"])
    if development:
        requirements += tables["dependency-groups"]["dev"]
    return requirements


def installed(folders: Iterable[str | Path]) -> dict[str, str]:
    """Names and versions of the distributions in `folders`, told by their metadata's file names.

    Reading names alone takes a millisecond, where importlib.metadata takes tens.
    """
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = [entry.name for entry in Path(folder).iterdir()]
        except OSError:
            continue
        for name in names:
            match = re.match(r"([^-]+)-([^-]+).*\.(?:dist|egg)-info$", name)
            if match:
                found.setdefault(normal(match[1]), match[2])
    return found


def missing(requirements: Iterable[str], versions: Mapping[str, str]) -> list[str]:
    """The `requirements` that `versions` (by normal name) do not meet.

    A requirement with a marker, which may not apply here, is left to the installer.
    """
    lacking = []
    for requirement in requirements:
        match = re.match(r"\s*([\w.-]+)(?:\[[^\]]*\])?([^;]*)(;?)", requirement)
        if match is None or match[3]:
            continue
        version = versions.get(normal(match[1]))
        if version is None or not _meets(version, match[2]):
            lacking.append(requirement)
    return lacking


def normal(name: str) -> str:
    """A distribution's name in its one normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _meets(version: str, bounds: str) -> bool:
    """Whether `version` is within `bounds`: ==, >= and <, by release number, joined by commas."""
    release = _release(version)
    for bound in filter(None, (part.strip() for part in bounds.split(","))):
        limit = _release(bound)
        if (
            (bound.startswith("==") and release != limit)
            or (bound.startswith(">=") and release < limit)
            or (bound.startswith("<") and not bound.startswith("<=") and release >= limit)
        ):
            return False
    return True


def _release(text: str) -> tuple[int, ...]:
    """The release numbers of a version, without zeros at the end: "2.0.0rc1" gives (2,)."""
    numbers = re.match(r"\D*(\d+(?:\.\d+)*)", text)
    parts = [int(part) for part in numbers[1].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
