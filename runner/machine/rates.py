"""How fast llama.cpp computes on this machine: measured once, and kept with what would change it.

A model's speed follows from these rates and its header (`runner.fit.speed`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.paths import data_directory
from runner.whole import write_whole

Progress = Callable[[float], bool]
"""Called with the fraction measured, 0 to 1; returning False stops the measurement."""

FORMAT = 2
CPU = "CPU"
"""ggml's name for the processor, among the names of devices."""

LOADED = 0.05
"""Of all processors' time, taken by other programs meanwhile: with more, a machine is slower than
it can be, by as much or, where threads wait for one that has to share, by more."""


@dataclass(frozen=True, slots=True)
class DeviceRates:
    """What a device does, by ggml's name of the type of the weights it computes with.

    `decode` is bytes of weights read per second for one token, `prefill` operations per second for
    a batch of 512: a multiplication and an addition are two. `attention` and `prefill_attention`
    are operations per second too, of queries with keys and of weights with values. `layer_seconds`
    is what each layer takes beside that in a decode: norms, waiting of threads, launches.
    """

    description: str
    layer_seconds: float
    decode: Mapping[str, float]
    prefill: Mapping[str, float]
    attention: float
    prefill_attention: float

    @property
    def quickest(self) -> str:
        """The type of weights that prompts are read fastest with."""
        return max(self.prefill, key=self.prefill.__getitem__)


@dataclass(frozen=True, slots=True)
class Rates:
    """Of this machine, with `threads` threads; `devices` by ggml's names, the CPU among them.

    `read_bandwidth` is bytes per second that all those threads together read from memory when they
    do nothing else: what no decode on the CPU can exceed; `peak` the most operations per second
    that they do, what no prefill on the CPU can exceed. Both are of the best moment, all others are
    usual ones. `others` is the share of processors' time that other programs took meanwhile, None
    where that is not known.
    """

    threads: int
    read_bandwidth: float
    devices: Mapping[str, DeviceRates]
    measured_at: datetime
    peak: float = 0.0
    others: float | None = None

    @property
    def loaded(self) -> bool:
        """Whether other programs made the machine slower while it was measured."""
        return (self.others or 0.0) > LOADED


def rates() -> Rates | None:
    """What was measured and kept; None where nothing was, or what it depends on has changed.
    Takes a few milliseconds and never measures."""
    try:
        content = json.loads(_place().read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["key"] != key():
            return None
        return _rates(content["rates"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def measure(progress: Progress | None = None) -> Rates:
    """Measure this machine and keep what was found: about ten seconds for each device.

    Raises KeyboardInterrupt where `progress` stopped it, DiskError, and what loading a model
    raises.
    """
    from runner.machine.measuring import measured

    found = measured(progress)
    keep(found)
    return found


def raise_ceiling() -> None:
    """Measure what nothing on the CPU can exceed once more, and keep that where it is more than
    what is kept: two or three seconds. Nothing where nothing is kept. Raises DiskError, and what
    loading a model raises."""
    from runner.machine.measuring import peak, read_bandwidth

    kept = rates()
    if kept is not None:
        bandwidth = max(kept.read_bandwidth, read_bandwidth(kept.threads))
        most = max(kept.peak, peak(kept.threads, kept.devices[CPU].quickest))
        keep(replace(kept, read_bandwidth=bandwidth, peak=most))


def keep(found: Rates) -> None:
    """Keep what was measured, whole or not at all. Raises DiskError."""
    plain = asdict(found) | {"measured_at": found.measured_at.isoformat()}
    content = {"format": FORMAT, "key": key(), "rates": plain}
    write_whole(_place(), json.dumps(content, indent=2) + "\n", make_folder=True)


def key() -> dict[str, object]:
    """What the rates depend on, found in milliseconds and without loading llama.cpp. Of GPUs, only
    Linux tells that fast which there are."""
    from runner.machine.accelerators import pci_accelerators
    from runner.machine.processors import processors

    here = processors()
    gpus = [gpu.name for gpu in pci_accelerators(names="")]
    return {"processor": here.name, "threads": here.usable, "gpus": gpus, **_build()}


def _build() -> dict[str, str]:
    """The version of llama-cpp-python, and its libraries' sizes and times."""
    import importlib.metadata
    import importlib.util
    from hashlib import sha256

    try:
        version = importlib.metadata.version("llama-cpp-python")
    except importlib.metadata.PackageNotFoundError:
        version = ""
    package = importlib.util.find_spec("llama_cpp")
    folders = list(package.submodule_search_locations or []) if package else []
    files = sorted(path for folder in folders for path in (Path(folder) / "lib").glob("*"))
    said = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return {"llama_cpp": version, "build": sha256("\n".join(said).encode()).hexdigest()[:16]}


def _place() -> Path:
    return data_directory() / "rates.json"


def _rates(content: Mapping[str, Any]) -> Rates:
    """Raises KeyError, TypeError, ValueError or AttributeError where it is not one."""
    return Rates(
        threads=int(content["threads"]),
        read_bandwidth=_rate(content["read_bandwidth"]),
        devices={name: _device(device) for name, device in content["devices"].items()},
        measured_at=datetime.fromisoformat(content["measured_at"]).astimezone(UTC),
        peak=_rate(content["peak"]) if content["peak"] else 0.0,
        others=None if content["others"] is None else float(content["others"]),
    )


def _device(content: Mapping[str, Any]) -> DeviceRates:
    return DeviceRates(
        description=str(content["description"]),
        layer_seconds=float(content["layer_seconds"]),
        decode={kind: _rate(value) for kind, value in content["decode"].items()},
        prefill={kind: _rate(value) for kind, value in content["prefill"].items()},
        attention=_rate(content["attention"]),
        prefill_attention=_rate(content["prefill_attention"]),
    )


def _rate(value: Any) -> float:
    rate = float(value)
    if not 0 < rate < float("inf"):
        raise ValueError(f"{value!r} is no rate")
    return rate
