"""Advice follows from the figures of a record."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.bench import record
from runner.bench.advice import advice
from runner.gguf import read_header
from runner.machine.conditions import Conditions

from .test_ceiling import ON_CPU, decode

MACHINE = record.Machine("m", "cpu", 4, 4, 4, 2**34, "Linux", (), ())
MODEL = record.ModelFile("tiny", "t.gguf", "Q8_0", "", "llama", 10**9, 1, None, {}, 1.0, 1.0)
TOOL = record.Tool("0", "0", "", "3")


def made(test: record.Test, **changed: object) -> record.Record:
    given: dict[str, Any] = {"threads": 4, "threads_batch": 4, **changed}
    configuration = replace(ON_CPU, **given)
    return record.Record("a", "r", "", "speed", "tiny", TOOL, MACHINE, MODEL, configuration,
                         tests=(test,))  # fmt: skip


def at(share: float, *, depth: int = 0, limited_by: str = "memory") -> record.Test:
    """A decode that reaches so much of its ceiling."""
    found = record.Ceiling(100.0, share, limited_by, "")
    return replace(decode(100 * share), ceiling=found, depth=depth)


def prefill(share: float) -> record.Test:
    sample = record.Sample(0, 0, 0.0, 512, 0, 1, 1.0, 1.0, 0.0, 1.0)
    figure = record.Summary("prefill_rate", "tokens/s", "", 100 * share, None, 1, 1)
    found = record.Ceiling(100.0, share, "arithmetic", "")
    return record.Test("pp512", "prefill", "", "", 512, 0, 0, (sample,), (figure,), found)


@pytest.mark.parametrize(
    ("test", "changed", "said"),
    [
        (at(0.85), {}, "a smaller quantization"),
        (at(0.85, depth=100_000), {}, "--kv q8_0"),
        (at(0.4), {"threads": 1}, "Use 4 threads instead of 1"),
        (at(0.4), {}, "`runner tune tiny` tries threads"),
        (at(0.9, limited_by="arithmetic"), {}, "Only a smaller model would change much"),
        (prefill(0.85), {}, "Only a smaller model would change much"),
        (prefill(0.85), {"threads_batch": 2}, "Use 4 threads instead of 2"),
        (prefill(0.3), {}, "`runner tune tiny` tries threads"),
        (decode(10.0), {"devices": ("CPU", "CUDA0"), "gpu_layers": 4}, "a smaller quantization"),
    ],
)
def test_what_helps_most(
    tiny_path: Path, test: record.Test, changed: dict[str, object], said: str
) -> None:
    found = advice(made(test, **changed), read_header(tiny_path))
    assert found is not None
    assert said in found.change


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (at(0.85), "tg100 reaches 85% of what memory bandwidth allows here: memory bandwidth is"),
        (at(0.4), "something else limits it"),
        (
            prefill(0.85),
            "pp512 reaches 85% of what arithmetic allows here: arithmetic is the limit",
        ),
    ],
)
def test_what_limits(tiny_path: Path, test: record.Test, said: str) -> None:
    found = advice(made(test), read_header(tiny_path))
    assert found is not None
    assert said in found.limit


def test_a_small_model_needs_no_more_threads(tiny_path: Path) -> None:
    one = made(at(0.1), threads=1)
    one = replace(one, model=replace(MODEL, bytes=2 * 10**6))
    found = advice(one, read_header(tiny_path))
    assert found is not None
    assert "`runner tune tiny`" in found.change


def test_nothing_is_said_against_what_was_tuned(tiny_path: Path) -> None:
    header = read_header(tiny_path)
    quickest = {"threads": 1, "threads_batch": 4, "repack": False}
    found = advice(made(at(0.4), threads=1, repack=False), header, quickest)
    assert found is not None
    assert found.change.startswith(
        "`runner tune` has found what is quickest here (threads 1, threads batch 4, no repack)"
    )
    overruled = advice(made(at(0.4), threads=2), header, quickest)
    assert overruled is not None
    assert overruled.change == "Use 4 threads instead of 2."
    deep = advice(made(at(0.9, depth=100_000), kv="bf16"), header, {"kv": "bf16"})
    assert deep is not None
    assert "--kv" not in deep.change


def test_others_that_compute_are_to_be_closed(tiny_path: Path) -> None:
    test = at(0.3)
    busy = replace(test.samples[0], conditions=Conditions(other_cpu=0.6))
    found = advice(made(replace(test, samples=(busy,))), read_header(tiny_path))
    assert found is not None
    assert "they take 60% of the processors" in found.change
    assert "something else limits it" in found.limit


def test_what_was_not_measured_is_said(tiny_path: Path) -> None:
    found = advice(made(decode(10.0)), read_header(tiny_path))
    assert found is not None
    assert "cannot be told" in found.limit
    assert advice(replace(made(decode(1.0)), tests=()), read_header(tiny_path)) is None
