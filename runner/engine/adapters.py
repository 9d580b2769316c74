"""Which LoRA files and control vectors a model answers with, and the switch from some to others.

A switch takes its turn among the requests, so that each reply is computed with one set of them.
"""

import hashlib
import math
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from runner.engine.stream import WAKE_SECONDS
from runner.errors import BadModelFile, ConfigurationError
from runner.gguf import Header, fingerprint
from runner.llama.adapter import Lora, check_lora, load_lora, read_control_vector, set_adapters
from runner.llama.context import LlamaContext
from runner.llama.model import LlamaModel


class Scaled(NamedTuple):
    """An adapter's file and how strongly it acts: 1 as it was made, 0 not at all."""

    path: Path
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRAs and control vectors, whose effects add up."""

    loras: tuple[Scaled, ...] = ()
    control_vectors: tuple[Scaled, ...] = ()
    layers: tuple[int, int] | None = None
    """The first and the last layer that control vectors act on; None for all but layer 0, which
    has none."""

    def __post_init__(self) -> None:
        for path, scale in (*self.loras, *self.control_vectors):
            if not math.isfinite(scale):
                raise ConfigurationError(f"the scale of {path} is {scale}; it must be a number")
        if self.layers is not None and not 1 <= self.layers[0] <= self.layers[1]:
            raise ConfigurationError(
                f"a control vector cannot act on layers {self.layers[0]} to {self.layers[1]}",
                remedy="Name a first layer from 1 on, and a last one that is not before it.",
            )

    def __bool__(self) -> bool:
        return bool(self.loras or self.control_vectors)

    @property
    def names(self) -> tuple[str, ...]:
        """Each in words, such as "LoRA style.gguf:0.5"."""
        return (
            *(f"LoRA {path.name}:{scale:g}" for path, scale in self.loras),
            *(f"control vector {path.name}:{scale:g}" for path, scale in self.control_vectors),
        )


class Checked(NamedTuple):
    """Adapters whose files were found to fit a model, as they are set."""

    loras: dict[str, Scaled]
    """By the file's fingerprint; those of scale 0 left out."""
    directions: npt.NDArray[np.float32] | None
    layers: tuple[int, int]
    identity: str
    """Tells these from all others, by what is in their files; empty where there are none."""


def check(adapters: Adapters, model: Header) -> Checked:
    """Read what the files say. Raises BadModelFile where one does not fit the model with this
    (whole) header, and ConfigurationError where a LoRA is named twice."""
    loras: dict[str, Scaled] = {}
    for lora in adapters.loras:
        check_lora(lora.path, model)
        mark = _fingerprint(lora.path)
        if mark in loras:
            raise ConfigurationError(
                f"{lora.path} is named twice", remedy="Name it once, with the sum of the scales."
            )
        loras[mark] = lora
    layers = adapters.layers or (1, int(model.of_architecture("block_count")))
    directions = None
    marks = [f"lora {lora.scale} {mark}" for mark, lora in loras.items() if lora.scale]
    for vector in adapters.control_vectors:
        read = read_control_vector(vector.path, model) * np.float32(vector.scale)
        if vector.scale:
            directions = read if directions is None else directions + read
            marks.append(f"control {vector.scale} {layers} {_fingerprint(vector.path)}")
    identity = hashlib.sha256("\n".join(sorted(marks)).encode()).hexdigest() if marks else ""
    acting = {mark: lora for mark, lora in loras.items() if lora.scale}
    return Checked(acting, directions, layers, identity)


def _fingerprint(path: Path) -> str:
    try:
        return fingerprint(path)
    except OSError as error:
        raise BadModelFile(f"cannot read {path}: {error.strerror}") from None


class AdapterShelf:
    """The LoRA files of one model: each is loaded once, and stays for the next time."""

    def __init__(self, model: LlamaModel, context: LlamaContext) -> None:
        self._model = model
        self._context = context
        self._loaded: dict[str, Lora] = {}

    def use(self, adapters: Checked) -> None:
        """Compute with these and no others; only while nothing is computed. Where that fails,
        with those that were in use. Raises BadModelFile and RunnerError."""
        for mark, (path, _) in adapters.loras.items():
            if mark not in self._loaded:
                self._loaded[mark] = load_lora(self._model, path)
        loras = [(self._loaded[mark], scale) for mark, (_, scale) in adapters.loras.items()]
        set_adapters(self._context, loras, adapters.directions, adapters.layers)


@dataclass(slots=True, eq=False)
class Switch:
    """Something to do between requests, on the loop's thread, after which what the cache holds is
    of no use. `identity` is what `use` brings about."""

    use: Callable[[], None]
    identity: str
    cancelled: bool = False
    outbox: queue.SimpleQueue[BaseException | None] = field(default_factory=queue.SimpleQueue)

    def wait(self) -> None:
        """Return when it is done, or raise why it was not. Ctrl-C takes it back, if it is not too
        late."""
        try:
            while True:
                try:
                    failure = self.outbox.get(timeout=WAKE_SECONDS)
                    break
                except queue.Empty:
                    continue
        except KeyboardInterrupt:
            self.cancelled = True
            raise
        if failure is not None:
            raise failure
