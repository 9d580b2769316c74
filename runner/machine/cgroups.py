"""Which control groups this process lives in: containers, services and batch systems limit by them.

A limit may sit on any level above a process, so each question is asked of every directory from
the process's own group up to the mount point. Both versions exist, often side by side: version 2
has one tree (`0::/path` in /proc/self/cgroup), version 1 one a controller (`4:memory:/path`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.machine.sources import text

PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Group:
    """One control group: its directory, and the version (1 or 2) that says which files it holds."""

    version: int
    directory: Path

    def number(self, name: str) -> int | None:
        """The integer in this group's file `name`; None where it is absent or says "max"."""
        words = self.words(name)
        return int(words[0]) if words and re.fullmatch(r"-?\d+", words[0]) else None

    def words(self, name: str) -> list[str]:
        """The words of this group's file `name`; none where it cannot be read."""
        return text(self.directory / name).split()


def groups(controller: str, proc: Path = PROC) -> list[Group]:
    """The groups that limit this process by `controller` ("cpu", "memory"), its own first."""
    mounts = text(proc / "mountinfo")
    return [
        Group(version, directory)
        for version, path in memberships(text(proc / "cgroup"), controller)
        for root, mount in cgroup_mounts(mounts, version, controller)
        for directory in ancestry(path, root, mount)
    ]


def memberships(listing: str, controller: str) -> Iterator[tuple[int, str]]:
    """The (version, path) pairs of /proc/self/cgroup that speak of `controller`."""
    for line in listing.splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0" and not controllers:
            yield 2, path
        elif controller in controllers.split(","):
            yield 1, path


def cgroup_mounts(listing: str, version: int, controller: str) -> Iterator[tuple[str, Path]]:
    """The (root inside the tree, mount point) pairs of /proc/self/mountinfo for one hierarchy."""
    for line in listing.splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if not separator or len(fields) < 5 or len(kind) < 3:
            continue
        first = version == 1 and kind[0] == "cgroup" and controller in kind[2].split(",")
        if first or (version == 2 and kind[0] == "cgroup2"):
            yield unescape(fields[3]), Path(unescape(fields[4]))


def ancestry(path: str, root: str, mount: Path) -> list[Path]:
    """Every directory from the group `path` up to where its tree is mounted.

    Inside a container the path may be the host's, of which only the part below `root` is mounted,
    or none at all: then the mount point itself is the container's own group.
    """
    inside = path.removeprefix(root.rstrip("/")) if path.startswith(root) else path
    parts = [part for part in inside.split("/") if part not in ("", "..")]
    chain = [mount.joinpath(*parts[:length]) for length in range(len(parts), -1, -1)]
    return chain if chain[0].is_dir() else [mount]


def unescape(field: str) -> str:
    """mountinfo writes blanks and backslashes of a path in octal: `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
