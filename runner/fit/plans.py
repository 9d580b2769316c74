"""How a model would run here: its context, its layers on each device, and the memory that takes.

One arithmetic for all who ask: a load places by it at once (`runner.fit.placement`), llama.cpp's
own figures go into it where there is a file (`runner.fit.planning`), and a catalogue entry's
recorded shape where there is none (`runner.fit.shape`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from runner.fit.here import Here, shares
from runner.fit.memory import CELLS, CPU, Buffers, Layer, Memory, cache_layers
from runner.fit.offload import apportion, most_that_fit
from runner.fit.weights import Weights, weights_of
from runner.fit.wishes import Wishes
from runner.gguf import Header

COMFORTABLE_CONTEXT = 32768
"""The largest context chosen unasked: longer ones take a laptop's CPU many minutes to fill."""

USEFUL_CONTEXT = 4096
"""Tokens of context for which a model may take more of the free memory than its share."""

OFFLOADED_CONTEXT = 8192
"""Tokens of context that layers on a GPU leave room for."""

SHARE_OF_MEMORY = 0.8
"""Of the memory that is free, what a model may take; the rest is for everything else."""

DEVICE_MARGIN = 2**30
"""Bytes kept free on a GPU for its driver and for what nobody plans."""


@dataclass(frozen=True)
class Plan:
    """A model on this machine. `by` says whose figures those of the buffers are: llama.cpp's own,
    formulas over the file's header, or formulas over the catalogue's approximate shape."""

    weights: Weights
    layers: tuple[Layer, ...]
    buffers: Buffers
    trained: int
    """Tokens of context that the model was trained for."""
    wishes: Wishes
    here: Here
    reserve: int = 0
    """Bytes that a device needs for a batch, by the formulas whatever was planned since: what
    divides the layers must not change between a plan and a load."""
    by: Literal["llama.cpp", "header", "catalogue"] = "header"

    @property
    def kv_type(self) -> str:
        return self.wishes.kv_type or "f16"

    @property
    def comfortable(self) -> int:
        """The context that is wanted where nobody asks for one."""
        return min(self.trained, COMFORTABLE_CONTEXT)

    @cached_property
    def context(self) -> int:
        """The context asked for; else the one chosen: comfortable, or as much of that as fits."""
        asked = self.wishes.context
        if asked is not None:
            return asked
        useful = min(self.trained, USEFUL_CONTEXT)
        chosen = self._largest(self.comfortable, self._comfortable_with)
        if chosen < useful:
            chosen = self._largest(useful, self.fits)
        return chosen or min(CELLS, self.trained)

    def _comfortable_with(self, context: int) -> bool:
        """Whether that context leaves other programs their share of the memory, and no layer leaves
        its device for it, beyond the context that layers leave room for."""
        counts = self.counts(min(self.comfortable, OFFLOADED_CONTEXT))
        if context > OFFLOADED_CONTEXT and self.counts(context) != counts:
            return False
        needed = self._main(self._memory(context, counts))
        return needed <= self.here.free * SHARE_OF_MEMORY

    def counts(self, context: int) -> tuple[int, ...]:
        """Layers for each device with that context, as many as are wished, else as fit; the output
        counts as one more layer."""
        gpus, wished = self.here.gpus, self.wishes.gpu_layers
        if not gpus or wished == 0:
            return (0,) * len(gpus)
        layers = self._layer_bytes(context)
        rooms = [gpu.memory_free - DEVICE_MARGIN - self.reserve for gpu in gpus]
        parts = shares(self.wishes.tensor_split, gpus) or [max(room, 1) for room in rooms]
        if wished is None:
            return most_that_fit(layers, rooms, parts)
        return apportion(len(layers) if wished < 0 else min(wished, len(layers)), parts)

    def layers_on(self, context: int | None = None) -> dict[str, int]:
        """Layers by device, the processor's last; of all, the output included."""
        counts = self.counts(self.context if context is None else context)
        on = {gpu.name: n for gpu, n in zip(self.here.gpus, counts, strict=True) if n}
        rest = self.weights.layers + 1 - sum(counts)
        return on | ({CPU: rest} if rest else {})

    def memory(self, context: int | None = None) -> Memory:
        """What the model takes with that context, else with the one chosen."""
        context = self.context if context is None else context
        return self._memory(context, self.counts(context))

    def needed(self, context: int | None = None) -> int:
        """Bytes that must stay in this machine's main memory."""
        return self._main(self.memory(context))

    def fits(self, context: int) -> bool:
        return self.short_by(context) <= 0

    def short_by(self, context: int) -> int:
        """Bytes that are missing for that context, in main memory or on a device, whichever lacks
        more; negative where some are left."""
        memory = self.memory(context)
        lacking = [self._main(memory) - self.here.free]
        for gpu in self.here.gpus:
            if gpu.kind == "gpu" and memory.devices.get(gpu.name):
                lacking.append(memory.devices[gpu.name] - gpu.memory_free)
        return max(lacking)

    def largest_context(self) -> int:
        """The largest context that fits and that the model was trained for: a multiple of 256, or
        all of what it was trained for; 0 where none fits."""
        return self._largest(self.trained, self.fits)

    def for_header(self, header: Header) -> "Plan":
        """The plan of another quantization of the same model: the same caches and buffers, other
        weights. Raises ValueError where the shape is another one, which must be planned anew."""
        layers = cache_layers(
            header,
            kv_type=self.kv_type,
            sequences=self.wishes.sequences,
            batch=self.wishes.tokens_at_once,
        )
        if tuple(layers) != self.layers:
            raise ValueError("its layers are of another shape")
        return replace(self, weights=weights_of(header, self.here.sets))

    def _memory(self, context: int, counts: tuple[int, ...]) -> Memory:
        layers, compute = self._layer_bytes(context), self.buffers.compute_at(context)
        first = len(layers) - sum(counts)
        devices = {}
        for gpu, sizes in zip(self.here.gpus, self._divided(layers, counts), strict=True):
            if sizes:
                own = compute.get(gpu.name, compute.get(CPU, 0))
                devices[gpu.name] = sum(sizes) + int(own)
        copied, mapped, once = self.weights.here(
            first, experts_on_cpu=self.wishes.experts_on_cpu, mmap=self.wishes.mmap
        )
        cached = self._cached(context)
        return Memory(
            private=copied
            + int(sum(cached[:first]))
            + int(compute.get(CPU, 0))
            + self.buffers.outputs
            + self.buffers.held,
            file_backed=mapped,
            devices=devices,
            read_once=once,
        )

    def _divided(self, layers: list[int], counts: tuple[int, ...]) -> Iterator[list[int]]:
        """The last of the `layers`, as each device gets them."""
        start = len(layers) - sum(counts)
        for count in counts:
            yield layers[start : start + count]
            start += count

    def _layer_bytes(self, context: int) -> list[int]:
        """Bytes of each layer on a device, weights and cache; the output last."""
        sizes = self.weights.by_layer(experts_on_cpu=self.wishes.experts_on_cpu)
        return [size + int(kv) for size, kv in zip(sizes, self._cached(context), strict=True)]

    def _cached(self, context: int) -> list[float]:
        """The part of the caches that each layer has; of the output, none."""
        parts = [layer.bytes(context) for layer in self.layers]
        total, planned = sum(parts), self.buffers.caches_at(context)
        scale = planned / total if total else 0.0
        return [part * scale for part in parts] + [0.0]

    def _main(self, memory: Memory) -> int:
        """What an integrated GPU takes is of this machine's memory too."""
        shared = sum(memory.devices.get(g.name, 0) for g in self.here.gpus if g.kind == "igpu")
        return memory.needed + shared

    def _largest(self, limit: int, good: Callable[[int], bool]) -> int:
        """The largest context up to `limit` that is `good`, where all smaller ones are; 0: none."""
        if good(limit):
            return limit
        low, high = 0, -(-limit // CELLS)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if good(middle * CELLS) else (low, middle)
        return low * CELLS
