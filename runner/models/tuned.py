"""The loading options that were found to be quickest for a model on this machine (`runner tune`):
kept for each model, and in force wherever the user says nothing else."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from runner.errors import ConfigurationError
from runner.models.find import Located
from runner.models.kept import identity
from runner.paths import data_directory
from runner.settings import BY_NAME, Settings
from runner.whole import write_whole

ORIGIN = "tuned"
"""Where a setting came from that was found by measuring."""

FORMAT = 1

PLACING = ("device", "rpc", "tensor_split", "cpu_moe", "gpu_layers")
"""Options that place the model otherwise than it was tuned: nothing holds for it then."""

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "threads_batch": ("threads",),
    "micro_batch": ("batch",),
    "batch": ("micro_batch",),
    "kv": ("flash_attention",),
    "flash_attention": ("kv",),
}
"""Options that hold only where the user has not set certain others."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """`options` by name; `gains` is what they gained over the defaults by test, as a ratio with its
    interval; `run` is the measurement in the history, `date` ISO 8601 in UTC."""

    options: Mapping[str, Any]
    gains: Mapping[str, tuple[float, float, float]]
    run: str
    date: str


def tuned_for(located: Located) -> Tuned | None:
    """What was found for that model on this machine as it is; None where nothing was, or where the
    file, the machine or llama.cpp has changed since."""
    kept = _read().get(_key(located))
    try:
        return _tuned(kept) if kept is not None else None
    except (KeyError, TypeError, ValueError, AttributeError, ConfigurationError):
        return None


def keep(located: Located, found: Tuned) -> None:
    """Raises DiskError."""
    _write(_read() | {_key(located): asdict(found)})


def forget(located: Located) -> bool:
    """Whether there was something to forget. Raises DiskError."""
    kept = _read()
    there = kept.pop(_key(located), None) is not None
    if there:
        _write(kept)
    return there


def applied(settings: Settings, found: Tuned | None) -> Settings:
    """The settings with what was tuned in place of what nobody set."""
    if found is None or any(settings.get(name) is not None for name in PLACING):
        return settings
    fresh = {
        name: value
        for name, value in found.options.items()
        if settings.get(name) is None
        and all(settings.get(other) is None for other in TOGETHER.get(name, ()))
        and not (name == "speculate" and settings.draft is not None)
    }
    if not fresh:
        return settings
    origins = {**settings.origins, **dict.fromkeys(fresh, ORIGIN)}
    return replace(settings, **fresh, origins=origins)


def words_of(options: Mapping[str, Any]) -> str:
    """Such as `threads 2, no repack`."""
    return ", ".join(_said(name, value) for name, value in options.items())


def flags_of(options: Mapping[str, Any]) -> str:
    """The same for a command line, such as `--threads 2 --no-repack`."""
    return " ".join(_flag(name, value) for name, value in options.items())


def _flag(name: str, value: object) -> str:
    flag = BY_NAME[name].flag
    if isinstance(value, bool):
        return flag if value else f"--no-{flag[2:]}"
    return f"{flag} {value}"


def _said(name: str, value: object) -> str:
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    return f"{words} {value}"


def _key(located: Located) -> str:
    """The model's file, and all that the machine's speed depends on."""
    from hashlib import sha256

    from runner.machine.rates import key

    return f"{identity(located)} {sha256(json.dumps(key()).encode()).hexdigest()[:16]}"


def _tuned(kept: Mapping[str, Any]) -> Tuned:
    options = {
        name: BY_NAME[name].checked(value, ORIGIN) for name, value in kept["options"].items()
    }
    gains = {name: (float(a), float(b), float(c)) for name, (a, b, c) in kept["gains"].items()}
    return Tuned(options, gains, str(kept["run"]), str(kept["date"]))


def _place() -> Path:
    return data_directory() / "tuned.json"


def _read() -> dict[str, Any]:
    """What is kept; nothing where there is no such file, or none that can be read."""
    try:
        content = json.loads(_place().read_text(encoding="utf-8"))
        return dict(content["models"]) if content["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _write(models: Mapping[str, Any]) -> None:
    content = {"format": FORMAT, "models": models}
    write_whole(_place(), json.dumps(content, indent=2) + "\n", make_folder=True)
