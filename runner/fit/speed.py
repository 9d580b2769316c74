"""How fast a model will run here, from this machine's rates and what a token costs the model.

Decode, in seconds a token: Σ bytes of each matrix ÷ rate of its type + layers × overhead
+ attention ÷ its rate. Prefill: Σ operations of each matrix ÷ rate of its type + attention.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from runner.fit.wishes import BATCH
from runner.fit.work import Matrix, Work, nearest, seen
from runner.machine.rates import CPU, DeviceRates, Rates


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second: of a prompt of 512 tokens, and of a reply, one after another."""

    prefill: float
    decode: float


def predicted(
    work: Work,
    rates: Rates | None,
    *,
    layers_on: Mapping[str, int] = MappingProxyType({}),
    experts_on_cpu: bool = False,
    context_depth: int = 0,
) -> Speed | None:
    """The speed with so many tokens before in the context; None where a device that takes part was
    not measured.

    `layers_on` gives the number of layers by ggml's name of the device, in the devices' order: they
    have the last ones, the output counted as one more, and the CPU has the rest, said or not.

    What it leaves out: the copies between devices, and recurrent states beside the overhead of
    their layers. A prompt is faster than this where llama.cpp lets a GPU compute the CPU's layers.
    """
    if rates is None or not {CPU, *layers_on} <= rates.devices.keys():
        return None
    places = _places(work.layers, layers_on)

    def of(matrix: Matrix) -> DeviceRates:
        on_cpu = matrix.experts and experts_on_cpu
        return rates.devices[CPU if on_cpu else places[matrix.layer]]

    decode = prefill = 0.0
    for matrix in work.matrices:
        here = of(matrix)
        decode += matrix.bytes / here.decode[nearest(matrix.type, here.decode)]
        if matrix.layer < work.layers:  # the output is computed for a prompt's last token only
            prefill += matrix.operations / here.prefill[nearest(matrix.type, here.prefill)]
    for layer in range(work.layers):
        here = rates.devices[places[layer]]
        decode += here.layer_seconds
        if attention := work.attention.get(layer):
            # The queries of a batch look back at half of it on average.
            depth, middle = seen(attention, context_depth), context_depth + BATCH / 2
            decode += attention.operations * depth / here.attention
            prefill += attention.operations * seen(attention, middle) / here.prefill_attention
    return Speed(prefill=1 / prefill, decode=1 / decode)


def _places(layers: int, layers_on: Mapping[str, int]) -> list[str]:
    """The device of each layer and of the output."""
    offloaded = [name for name, count in layers_on.items() if name != CPU for _ in range(count)]
    return [CPU] * (layers + 1 - len(offloaded)) + offloaded
