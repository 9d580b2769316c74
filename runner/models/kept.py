"""Prompts that were read once and are kept on disk: where, how much, and whose."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from runner.gguf import fingerprint
from runner.models.find import Located
from runner.paths import data_directory
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.kvstore import Store

DEFAULT_GIGABYTES = 4.0
SHARE_OF_DISK = 0.1
"""Of the disk that is free, what kept prompts may take at most."""


class KeptPrompt(NamedTuple):
    """A prompt on disk: the name of its model, its length, its size, and when it last served."""

    model: str
    tokens: int
    bytes: int
    used: datetime


def open_store(settings: Settings, remark: Callable[[str], None]) -> "Store | None":
    """The store as the settings want it, or None where they want none."""
    gigabytes = DEFAULT_GIGABYTES if settings.kv_store is None else settings.kv_store
    return _store(gigabytes, remark) if gigabytes > 0 else None


def _store(gigabytes: float, remark: Callable[[str], None]) -> "Store":
    from runner import machine
    from runner.kvstore import Store

    folder = data_directory() / "kv"
    quota = min(int(gigabytes * 10**9), int(machine.free_disk(folder) * SHARE_OF_DISK))
    return Store(folder, quota, remark=remark)


def identity(located: Located) -> str:
    """What tells this model's file from every other, without reading all of it: its published
    sha256, else its path, size, time and beginning."""
    if located.record is not None:
        return f"{located.name}@{located.record.sha256}"
    return f"{located.name}@{located.path.resolve()} {fingerprint(located.path)}"


def kept_prompts(remark: Callable[[str], None]) -> list[KeptPrompt]:
    """All that is kept, the latest used first."""
    return [
        KeptPrompt(
            entry.identity.partition("@")[0],
            len(entry.tokens),
            entry.bytes,
            datetime.fromtimestamp(entry.used, UTC),
        )
        for entry in _store(DEFAULT_GIGABYTES, remark).entries()
    ]


def purge_prompts(
    model: str | None = None,
    remark: Callable[[str], None] = lambda _: None,
    *,
    owner: str | None = None,
) -> int:
    """Delete what is kept, of one model or of all, of one owner or of all; the bytes that were
    freed."""
    return _store(DEFAULT_GIGABYTES, remark).purge(
        lambda entry: (
            model in (None, entry.identity.partition("@")[0]) and owner in (None, entry.owner)
        )
    )
