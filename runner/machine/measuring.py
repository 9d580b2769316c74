"""Measures this machine's rates with models of no meaning, loaded and computed as real ones are.

A decode's time is layers × overhead + bytes of weights ÷ rate of their type + attention. A narrow
model of many layers gives the overhead, wide ones of each type its rates, and a narrow one with
many heads the attention, at two depths.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from runner.errors import DiskError
from runner.machine.load import Family, ticks
from runner.machine.processors import processors
from runner.machine.rates import CPU, DeviceRates, Progress, Rates
from runner.machine.synthetic import HEAD, Form
from runner.machine.timing import BATCH, Bench

TYPES = ("Q4_K", "Q6_K", "Q8_0", "F16", "Q5_K", "Q4_0", "Q3_K", "Q2_K", "IQ4_XS")
"""Types of weights that are measured; others count as the nearest of these by bits."""

BYTES = 160 * 2**20
"""Weights of a model that is measured: more than caches hold."""

DEVICE_BYTES = 512 * 2**20
"""The same on a GPU, whose caches are larger and whose time is shorter."""

WARM_UP, PROMPT = 16, 64
"""Tokens of a prompt before and at the measurement of a CPU; a GPU's takes whole batches."""

NARROW = Form("Q8_0", layers=24, width=128, feed_forward=128, heads=2, kv_heads=1)
ATTENTIVE = Form("Q8_0", layers=8, width=256, feed_forward=256, heads=16, kv_heads=4)
DEPTH = 2 * BATCH

READ_BYTES = 256 * 2**20
READ_REPEATS = 8

PEAK_REPEATS = 4


Check = Callable[[], None]
"""Called before each computation; raises KeyboardInterrupt where it is to end."""


def measured(
    progress: Progress | None = None, *, types: Sequence[str] = TYPES, scale: float = 1.0
) -> Rates:
    """This machine's rates, measured now, in about ten seconds for each device.

    `types` are measured, others count as the nearest of them. `scale` makes the models smaller, for
    a try that is quick and tells little.

    Raises KeyboardInterrupt where `progress` stopped it, DiskError, and what loading a model
    raises.
    """
    from runner.llama.devices import devices

    there = [one for one in devices() if one.kind in ("gpu", "igpu") and not one.worker]
    total, done = 2 + (2 * len(types) + 2) * (1 + len(there)), 0
    family = Family()
    before = ticks(family)

    def check() -> None:
        if progress is not None and not progress(done / total):
            raise KeyboardInterrupt

    def step() -> None:
        nonlocal done
        check()
        done += 1

    here = processors()
    step()
    bandwidth = read_bandwidth(here.usable)
    try:
        cpu = _device_rates(None, here.name, here.usable, types, BYTES * scale, step, check)
        found = {CPU: cpu}
        step()
        most = peak(here.usable, cpu.quickest, check)
        for one in there:
            size = min(DEVICE_BYTES, one.memory_free // 4) * scale
            found[one.name] = _device_rates(
                one.name, one.description, here.usable, types, size, step, check
            )
    except OSError as error:
        raise _no_room(error) from error
    others = ticks(family).others_since(before)
    if progress is not None:
        progress(1.0)
    return Rates(here.usable, bandwidth, found, datetime.now(UTC), most, others)


def _no_room(error: OSError) -> DiskError:
    return DiskError(
        f"no room for a model of {BYTES / 1e6:.0f} MB to measure with: {error.strerror or error}",
        remedy="Free some space where the system keeps temporary files.",
    )


def _device_rates(
    device: str | None,
    description: str,
    threads: int,
    types: Sequence[str],
    size: float,
    step: Check,
    check: Check,
) -> DeviceRates:
    decode, prefill = {}, {}
    prompt = BATCH if device else PROMPT
    with tempfile.TemporaryDirectory(prefix="runner-") as name:
        folder = Path(name)
        step()
        with Bench(folder, NARROW, device=device, threads=threads, check=check) as bench:
            bench.compute(1)
            overhead = bench.usual(1) / NARROW.layers
        step()
        attention, prefill_attention = _attention(folder, device, threads, prompt, check)
        for kind in types:
            step()
            form = _wide(kind, size)
            with Bench(folder, form, device=device, threads=threads, check=check) as bench:
                bench.compute(BATCH if device else WARM_UP)
                whole = bench.usual(1)
                # Never all of it, however much a passing load made of the overhead.
                seconds = max(whole - overhead * form.layers, whole / 2)
                decode[kind] = form.layer_bytes * form.layers / seconds
                step()
                operations = 2 * form.layer_elements * form.layers * prompt
                prefill[kind] = operations / bench.usual(prompt)
    # A load that came and went can make depth look free; nothing is faster than matrices.
    most = max(prefill.values())
    return DeviceRates(
        description, overhead, decode, prefill, min(attention, most), min(prefill_attention, most)
    )


def peak(threads: int, kind: str, check: Check = lambda: None) -> float:
    """The most operations per second that so many threads do with weights of that type: the best of
    a few batches. Raises DiskError, and what loading a model raises."""
    form = _wide(kind, 0)  # weights are read once for a whole batch: one layer has enough
    try:
        with (
            tempfile.TemporaryDirectory(prefix="runner-") as name,
            Bench(Path(name), form, device=None, threads=threads, check=check) as bench,
        ):
            seconds = bench.best(BATCH, PEAK_REPEATS)
    except OSError as error:
        raise _no_room(error) from error
    return 2 * form.layer_elements * form.layers * BATCH / seconds


def _wide(kind: str, size: float) -> Form:
    """A model of about `size` bytes as wide as real ones of one to eight billion weights are."""
    one = Form(kind, layers=1, width=2048, feed_forward=8192, heads=16, kv_heads=4)
    layers = max(1, round(size / one.layer_bytes))
    return Form(kind, layers, one.width, one.feed_forward, one.heads, one.kv_heads)


def _attention(
    folder: Path, device: str | None, threads: int, prompt: int, check: Check
) -> tuple[float, float]:
    """Operations per second of attention in a decode and in a prefill: what the same tokens take
    longer at depth than at the beginning."""
    pair = 4 * ATTENTIVE.layers * ATTENTIVE.heads * HEAD  # operations for a query and a key
    context = DEPTH + 2 * BATCH
    with Bench(
        folder, ATTENTIVE, device=device, threads=threads, context=context, check=check
    ) as bench:
        early, early_prompt = bench.usual(1), bench.usual(prompt)
        bench.return_to(0)
        while bench.length < DEPTH:
            bench.compute(BATCH)
        deep, deep_prompt = bench.usual(1, DEPTH), bench.usual(prompt, DEPTH)
    least = 1e-9  # a difference that noise swallows
    one = pair * DEPTH / max(deep - early, least)
    return one, pair * DEPTH * prompt / max(deep_prompt - early_prompt, least)


def read_bandwidth(threads: int, size: int = READ_BYTES) -> float:
    """Bytes per second that so many threads read from memory: the best of a few rounds."""
    from concurrent.futures import ThreadPoolExecutor

    data = np.ones(size // 8, np.uint64)
    parts = np.array_split(data, threads)
    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(READ_REPEATS):
            started = time.perf_counter()
            list(pool.map(np.bitwise_or.reduce, parts))  # numpy lets go of the GIL
            best = min(best, time.perf_counter() - started)
    return data.nbytes / best
