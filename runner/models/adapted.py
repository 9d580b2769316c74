"""Adapters as a user names them: `FILE` or `FILE:SCALE`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ConfigurationError
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.adapters import Adapters, Scaled


def adapters_of(settings: Settings) -> "Adapters":
    """What --lora and --control-vector say. Raises ConfigurationError."""
    from runner.engine.adapters import Adapters

    return Adapters(_files(settings.lora), _files(settings.control_vector))


def _files(named: tuple[str, ...] | None) -> "tuple[Scaled, ...]":
    return tuple(map(_scaled, named or ()))


def _scaled(text: str) -> "Scaled":
    """A file and what follows its last colon, if that is a number: `C:\\style.gguf` has a colon and
    no scale."""
    from runner.engine.adapters import Scaled

    path, colon, last = text.rpartition(":")
    try:
        scale = float(last) if colon else None
    except ValueError:
        scale = None
    if scale is None:
        path, scale = text, 1.0
    if not path or not math.isfinite(scale):
        raise ConfigurationError(
            f"{text!r} names no adapter", remedy="Write FILE or FILE:SCALE, such as style.gguf:0.5."
        )
    return Scaled(Path(path).expanduser(), scale)
