"""Layers split over devices: by arithmetic here, by llama.cpp itself in `tests/engine`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.fit.offload import apportion, most_that_fit, stated
from runner.llama.devices import Device

GIB = 2**30


def gpu(name: str, free: float, total: float, worker: str | None = None) -> Device:
    return Device(name, name, "gpu", int(total * GIB), int(free * GIB), worker)


CPU = Device("CPU", "a processor", "cpu", 16 * GIB, 16 * GIB)

shares = st.lists(st.floats(0.1, 100), min_size=1, max_size=4)


@given(layers=st.integers(0, 120), shares=shares)
def test_every_layer_goes_somewhere_and_about_where_it_should(
    layers: int, shares: list[float]
) -> None:
    counts = apportion(layers, shares)
    assert sum(counts) == layers
    for count, share in zip(counts, shares, strict=True):
        assert abs(count - layers * share / sum(shares)) < 1.001


@given(
    layers=st.lists(st.integers(1, 100), min_size=1, max_size=30),
    rooms=st.lists(st.integers(-10, 1500), min_size=1, max_size=3),
)
def test_what_is_placed_fits(layers: list[int], rooms: list[int]) -> None:
    counts = most_that_fit(layers, rooms, [max(room, 1) for room in rooms])
    start = len(layers) - sum(counts)
    for count, room in zip(counts, rooms, strict=True):
        assert count == 0 or sum(layers[start : start + count]) <= room
        start += count
    if all(room >= sum(layers) for room in rooms):
        assert sum(counts) == len(layers)


def test_one_device_takes_the_last_layers_that_fit() -> None:
    assert most_that_fit([10, 10, 10, 40], [65], [1]) == (3,)
    assert most_that_fit([10, 10, 10, 40], [39], [1]) == (0,)


@pytest.mark.parametrize(
    ("layers_on", "devices", "words"),
    [
        ({"CUDA0": 24, "CPU": 5}, [gpu("CUDA0", 3.1, 4), CPU],
         "24/29 layers on CUDA0, rest on CPU: 3.1 of 4.0 GiB free"),
        ({"CUDA0": 29}, [gpu("CUDA0", 1, 4), CPU], "29/29 layers on CUDA0: 1.0 of 4.0 GiB free"),
        ({"RPC0": 9, "CUDA0": 20},
         [gpu("CUDA0", 1, 4), gpu("RPC0", 2, 8, "laptop:50052"), gpu("CUDA1", 4, 4), CPU],
         "20/29 layers on CUDA0, 9 on RPC0 (laptop:50052): 1.0 of 4.0 and 2.0 of 8.0 GiB free"),
        ({"CPU": 29}, [gpu("CUDA0", 3, 4), CPU], ""),
    ],
)  # fmt: skip
def test_the_placement_in_a_line(
    layers_on: dict[str, int], devices: list[Device], words: str
) -> None:
    assert stated(layers_on, devices) == words
