"""Names from a repository, made safe to write: each stays inside the library's folder.

What any system refuses or reads as something else is refused on all of them, so that a library
can be moved from one to another.
"""

import re
import unicodedata
from pathlib import PurePosixPath

from runner.errors import UnknownModel

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.I)
FORBIDDEN = set('<>:"|?*\\/')
# Control, format (text direction), surrogate, and line and paragraph separators.
UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
LONGEST = 240  # bytes; systems allow 255, and the library's own endings need some


def safe_path(repository: str, file: str) -> PurePosixPath:
    """`repository`/`file` as a relative path of safe parts. `file` is a `.gguf`, maybe in folders.

    Raises UnknownModel for a name that Runner will not write.
    """
    parts = [*repository.split("/"), *file.split("/")]
    for part in parts:
        if fault := _fault(part):
            raise UnknownModel(f"{repository!r} offers a file named {file!r}, which {fault}")
    if not file.lower().endswith(".gguf"):
        raise UnknownModel(f"{file} in {repository} is not a GGUF file")
    return PurePosixPath(*parts)


def _fault(part: str) -> str:
    """What is wrong with one part of a path, to complete "a name which …"; empty if nothing."""
    if part in ("", ".", ".."):
        return "leaves its folder"
    if FORBIDDEN.intersection(part):
        return "holds a character that separates paths or drives"
    if any(unicodedata.category(character) in UNPRINTABLE for character in part):
        return "holds invisible characters"
    if part[-1] in ". ":
        return "ends in a dot or space"
    if DEVICES.fullmatch(part):
        return "is a device on Windows"
    if len(part.encode()) > LONGEST:
        return "is too long"
    return ""
