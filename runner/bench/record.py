"""The record of a benchmark: what ran, on what, when, and every sample."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import runner
from runner import machine
from runner.bench.measure import WARM_UPS, Result
from runner.llama import devices as llama
from runner.machine import Memory, Platform, Processors
from runner.models import Ready

SCHEMA = "runner-bench/1"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The file that ran, without the folder it lies in. `description` is llama.cpp's own."""

    name: str
    file: str
    quantization: str | None
    description: str
    bytes: int
    parameters: int
    sha256: str | None
    load_seconds: float


@dataclass(frozen=True, slots=True)
class PlacementFacts:
    """How it was loaded. `devices` names what computed, and the CPU always has a part; `adapters`
    are the LoRAs and control vectors, with their scales."""

    context: int
    threads: int
    gpu_layers: int
    kv: str
    devices: tuple[str, ...]
    adapters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A benchmark's whole outcome. `date` is ISO 8601 in UTC."""

    date: str
    model: ModelFacts
    placement: PlacementFacts
    bindings: str
    instruction_sets: tuple[str, ...]
    processors: Processors
    memory: Memory
    platform: Platform
    results: tuple[Result, ...]

    def to_json(self) -> dict[str, Any]:
        """The documented shape: counts in tokens, sizes in bytes, and every other number with its
        unit in its name."""
        return {
            "schema": SCHEMA,
            "date": self.date,
            "runner": runner.__version__,
            "llama_cpp_python": self.bindings,
            "instruction_sets": list(self.instruction_sets),
            "model": asdict(self.model),
            "placement": asdict(self.placement),
            "machine": {
                "processor": asdict(self.processors),
                "memory": asdict(self.memory),
                "platform": asdict(self.platform),
            },
            "warm_up_runs": WARM_UPS,
            "tests": [_test(result) for result in self.results],
        }


def record(ready: Ready, results: tuple[Result, ...]) -> Record:
    """What `results`, measured on `ready`, are to be remembered with."""
    located, model, placement = ready.located, ready.model, ready.placement
    return Record(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        model=ModelFacts(
            name=located.name,
            file=located.path.name,
            quantization=located.quantization,
            description=model.description,
            bytes=located.path.stat().st_size,
            parameters=model.weights.parameters,
            sha256=located.record.sha256 if located.record else None,
            load_seconds=model.load_seconds,
        ),
        placement=PlacementFacts(
            context=model.context_length,
            threads=placement.threads,
            gpu_layers=placement.gpu_layers,
            kv=placement.kv_type,
            devices=(*(one for one in model.weights.layers_on if one != "CPU"), "CPU"),
            adapters=model.adapters.names,
        ),
        bindings=llama.build().bindings,
        instruction_sets=llama.instruction_sets(),
        processors=machine.processors(),
        memory=machine.memory(),
        platform=machine.platform_facts(),
        results=results,
    )


def _test(result: Result) -> dict[str, Any]:
    workload = result.workload
    return {
        "name": workload.name,
        "kind": workload.kind,
        "prompt_tokens": workload.prompt_tokens,
        "tokens": workload.tokens,
        "tokens_per_second": asdict(result.statistics),
        "first_token_seconds": asdict(result.first_token),
        "samples": [
            {
                "began_seconds": sample.began,
                "seconds": workload.seconds(sample.timings),
                "tokens_per_second": workload.rate(sample.timings),
                "first_token_seconds": sample.timings.first_token_seconds,
            }
            for sample in result.samples
        ],
    }
