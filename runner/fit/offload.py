"""How many of a model's layers each device takes.

llama.cpp puts the last layers on the devices, in the devices' order, and counts what follows the
last layer (the output) as one more.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.llama.devices import Device

GIB = 2**30


def apportion(layers: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Split that many layers in proportion to `shares`, as llama.cpp does.

    >>> apportion(7, (1, 1))
    (4, 3)
    """
    total, counts, before = sum(shares), [], 0
    for number in range(len(shares)):
        until = sum(shares[: number + 1]) / total
        end = sum(1 for layer in range(layers) if layer / layers < until)
        counts.append(end - before)
        before = end
    return tuple(counts)


def most_that_fit(
    layers: Sequence[int], rooms: Sequence[int], shares: Sequence[float]
) -> tuple[int, ...]:
    """The largest number of `layers` (bytes of each), from the last on, that fits into the devices'
    `rooms` (bytes) when split by `shares`; as the number for each device."""
    for number in range(len(layers), 0, -1):
        counts = apportion(number, shares)
        start, fits = len(layers) - number, True
        for count, room in zip(counts, rooms, strict=True):
            fits = fits and sum(layers[start : start + count]) <= room
            start += count
        if fits:
            return counts
    return (0,) * len(rooms)


def stated(
    layers_on: Mapping[str, int], devices: "Sequence[Device]", *, experts_on_cpu: bool = False
) -> str:
    """Where the layers of a loaded model are, and what is left there; empty where the CPU has all.

    Such as `24/29 layers on CUDA0, rest on CPU: 3.1 of 4.0 GiB free`.
    """
    used = [device for device in devices if device.kind != "cpu" and device.name in layers_on]
    if not used:
        return ""
    total = sum(layers_on.values())
    counts = [f"{layers_on[one.name]}{'' if n else f'/{total}'}" for n, one in enumerate(used)]
    counts[0] += " layers"
    names = [f"{one.name} ({one.worker})" if one.worker else one.name for one in used]
    where = ", ".join(f"{count} on {name}" for count, name in zip(counts, names, strict=True))
    if sum(layers_on[one.name] for one in used) < total:
        where += ", rest on CPU"
    if experts_on_cpu:
        where += ", experts on CPU"
    free = " and ".join(
        f"{one.memory_free / GIB:.1f} of {one.memory_total / GIB:.1f}" for one in used
    )
    return f"{where}: {free} GiB free"
