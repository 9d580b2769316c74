"""Advice follows from the figures of a record."""

from dataclasses import replace
from pathlib import Path

import pytest

from runner.bench import record
from runner.bench.advice import advice
from runner.gguf import read_header
from runner.machine.conditions import Conditions

from .test_ceiling import ON_CPU, decode

MACHINE = record.Machine("m", "cpu", 4, 4, 4, 2**34, "Linux", (), ())
MODEL = record.ModelFile("tiny", "t.gguf", "Q8_0", "", "llama", 1, 1, None, {}, 1.0, 1.0)
TOOL = record.Tool("0", "0", "", "3")


def made(test: record.Test, **changed: object) -> record.Record:
    configuration = replace(ON_CPU, threads=4, **changed)  # type: ignore[arg-type]
    return record.Record("a", "r", "", "speed", "tiny", TOOL, MACHINE, MODEL, configuration,
                         tests=(test,))  # fmt: skip


def at(share: float, **changed: object) -> record.Test:
    found = record.Ceiling(100.0, share, "memory", "")
    return replace(decode(100 * share), ceiling=found, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("test", "changed", "said"),
    [
        (at(0.9), {}, "a smaller quantization"),
        (at(0.9, depth=100_000), {}, "--kv q8_0"),
        (at(0.2), {"threads": 1}, "Use 4 threads instead of 1"),
    ],
)
def test_what_helps_most(
    tiny_path: Path, test: record.Test, changed: dict[str, object], said: str
) -> None:
    one = made(test)
    one = replace(one, configuration=replace(one.configuration, **changed))  # type: ignore[arg-type]
    found = advice(one, read_header(tiny_path))
    assert found is not None
    assert said in found.change


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
