"""The ceiling by hand, and advice that follows from the figures."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.bench import record
from runner.bench.ceiling import ceiling, cost_of, reached
from runner.bench.record import Configuration, Sample, Summary
from runner.gguf import Header, read_header
from runner.machine.caches import last_cache
from runner.machine.rates import CPU, DeviceRates, Rates

ON_CPU = Configuration(
    context=2048, threads=1, threads_batch=1, batch=512, micro_batch=512, kv="f16",
    flash_attention="auto", gpu_layers=0, devices=(CPU,), mmap=True, repack=True, speculate=False,
    draft=None, adapters=(), sampling={},
)  # fmt: skip


@pytest.fixture
def header(tiny_path: Path) -> Header:
    return read_header(tiny_path)


def rates(bandwidth: float, arithmetic: float) -> Rates:
    cpu = DeviceRates("", 0.0, {"Q8_0": 1.0}, {"Q8_0": arithmetic, "F16": 1.0}, 1.0, 1.0)
    return Rates(1, bandwidth, {CPU: cpu}, datetime.now(UTC))


def decode(rate: float, *, accepted: int = 0) -> record.Test:
    sample = Sample(0, 0, 0.0, 0, 0, 100, 0.0, 0.0, 1.0, 1.0, accepted_tokens=accepted)
    figure = Summary("decode_rate", "tokens/s", "", rate, None, 1, 1)
    return record.Test("tg100", "decode", "", "", 0, 100, 0, (sample,), (figure,))


def test_memory_limits_decode(header: Header) -> None:
    cost = cost_of(header, "f16", depth=50)
    found = ceiling(decode(30.0), header, ON_CPU, rates(60 * cost.bytes, 1e15), cache=0)
    assert found is not None
    assert (found.limited_by, found.share) == ("memory", 0.5)
    assert found.rate == pytest.approx(60)
    beyond = ceiling(decode(90.0), header, ON_CPU, rates(60 * cost.bytes, 1e15), cache=0)
    assert beyond is not None
    assert beyond.share == 1.5


def test_arithmetic_limits_what_the_cache_holds(header: Header) -> None:
    cost = cost_of(header, "f16", depth=50)
    few = rates(60 * cost.bytes, 10 * cost.operations)
    found = ceiling(decode(5.0), header, ON_CPU, few, cache=2**30)
    assert found is not None
    assert found.limited_by == "arithmetic"
    assert found.rate == pytest.approx(10)


def test_guesses_that_were_right_raise_the_ceiling(header: Header) -> None:
    cost = cost_of(header, "f16", depth=50)
    found = ceiling(
        decode(90.0, accepted=50), header, ON_CPU, rates(60 * cost.bytes, 1e15), cache=0
    )
    assert found is not None
    assert found.rate == pytest.approx(120)


def test_a_longer_context_is_more_to_read(header: Header) -> None:
    shallow, deep = (cost_of(header, "f16", depth=depth) for depth in (0, 1000))
    small = cost_of(header, "q8_0", depth=1000)
    assert deep.weights == shallow.weights
    assert deep.cache > 0 == shallow.cache
    assert small.cache == pytest.approx(deep.cache * 34 / 64)


def test_no_ceiling_where_a_device_takes_part(header: Header) -> None:
    offloaded = replace(ON_CPU, devices=(CPU, "CUDA0"), gpu_layers=4)
    assert ceiling(decode(1.0), header, offloaded, rates(1e9, 1e9)) is None
    assert reached(decode(1.0), offloaded) == "unknown of CUDA0"
    measured = replace(decode(1.0), ceiling=record.Ceiling(2.0, 0.5, "memory", ""))
    assert reached(measured, ON_CPU) == "50% of 2.000"
    assert reached(decode(1.0), ON_CPU) == ""


def test_the_last_cache_counts_once(tmp_path: Path) -> None:
    for cpu, shared in ((0, "0-1"), (1, "0-1"), (2, "2-3")):
        for index, level, size in ((0, "1", "32K"), (3, "3", "16M")):
            folder = tmp_path / f"system/cpu/cpu{cpu}/cache/index{index}"
            folder.mkdir(parents=True)
            for name, text in (("level", level), ("size", size), ("type", "Unified"),
                               ("shared_cpu_list", shared)):  # fmt: skip
                (folder / name).write_text(text)
    assert last_cache(tmp_path) == 32 * 2**20
