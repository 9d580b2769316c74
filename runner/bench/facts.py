"""What a record says of where it was measured and of what: this program, this machine, the model's
file, how it was loaded."""

import math
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bench.plain import to_plain
from runner.bench.record import Configuration, Machine, ModelFile, Tool
from runner.fit.memory import cache_layers
from runner.gguf import Header
from runner.models import Located
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.model import Model
    from runner.engine.scoring import Scorer
    from runner.fit import Placement
    from runner.models import Ready

GIB = 2**30
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's 32, which are not mistaken
FOUR_BIT = ("Q4_K", "Q4_0")
"""Types of weights by which the arithmetic rate of a machine is told, the first that was
measured."""

_numbers = count(random.randrange(len(LETTERS) ** 4))


def new_id() -> str:
    """A name for a record or a run, such as `20261127-0512-k3f9`: the minute (UTC), so that names
    sort by age, and a number that this process gives to no other."""
    number = next(_numbers)
    drawn = "".join(
        LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in (3, 2, 1, 0)
    )
    return f"{datetime.now(UTC):%Y%m%d-%H%M}-{drawn}"


def now() -> str:
    """The date of a record: ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def tool() -> Tool:
    """This program and its llama.cpp. Raises BuildError."""
    import platform

    from runner import __version__
    from runner.llama.devices import build

    built = build()
    return Tool(
        runner=__version__,
        llama_cpp_python=built.bindings,
        build=" ".join(built.system_info.split()).rstrip("| "),
        python=platform.python_version(),
        libraries=_libraries(built.library.parent),
    )


def _libraries(folder: Path) -> str:
    """The same for the same build, wherever it is installed: names and sizes of its libraries."""
    said = [
        f"{path.name} {path.stat().st_size}" for path in sorted(folder.glob("*")) if path.is_file()
    ]
    return sha256("\n".join(said).encode()).hexdigest()[:16]


def machine_facts() -> Machine:
    """This machine, with what was measured of it before; nothing is measured for it. Raises
    BuildError."""
    from runner import machine
    from runner.llama import devices
    from runner.machine.rates import CPU

    cores, there, memory = machine.processors(), machine.platform_facts(), machine.memory()
    others = tuple(
        f"{one.name}: {one.description}" for one in devices.devices() if one.kind != "cpu"
    )
    found = machine.rates()
    cpu = found.devices.get(CPU) if found is not None else None
    facts = Machine(
        id="",
        processor=cores.name,
        physical_cores=cores.physical,
        logical_cores=cores.logical,
        usable_threads=cores.usable,
        memory_bytes=memory.total,
        system=f"{there.system}, {there.release}, {there.machine}",
        instruction_sets=tuple(machine.instruction_sets()),
        devices=others,
        read_bandwidth=found.read_bandwidth if found is not None else None,
        arithmetic=next((cpu.prefill[kind] for kind in FOUR_BIT if kind in cpu.prefill), None)
        if cpu is not None
        else None,
    )
    return replace(facts, id=machine_id(facts))


def machine_id(facts: Machine) -> str:
    """What tells one machine from another of other speed: twelve digits of a sha256. Updates of the
    system, and the few megabytes of memory that its kernel keeps, make no other machine of it."""
    system, *_, architecture = facts.system.split(", ")
    said = (
        facts.processor,
        facts.physical_cores,
        facts.logical_cores,
        facts.usable_threads,
        round(facts.memory_bytes / GIB),
        system,
        architecture,
        *facts.instruction_sets,
        *facts.devices,
    )
    return sha256("\n".join(map(str, said)).encode()).hexdigest()[:12]


def model_file(located: Located, progress: Callable[[int], None] = lambda _: None) -> ModelFile:
    """The file of a model. Where nobody recorded its sha256 it is read once for that, and
    `progress` gets the bytes read; of a split model it is the sha256 of the first part.

    `kv_bytes_per_token` is with an f16 cache. Raises BadModelFile and DiskError.
    """
    from runner.fit.work import work_of
    from runner.gguf import read_whole_header
    from runner.models.hashing import sha256_of

    header = read_whole_header(located.path)
    about = located.record or located.found
    types: dict[str, int] = {}
    for tensor in header.tensors:
        types[tensor.type] = types.get(tensor.type, 0) + (tensor.bytes or 0)
    types = dict(sorted(types.items(), key=lambda one: -one[1]))
    return ModelFile(
        name=located.name,
        file=Path(about.file if about is not None else located.path).name,
        quantization=located.quantization,
        description=_description(header, located.quantization or next(iter(types), "")),
        architecture=header.architecture,
        bytes=header.weight_bytes,
        parameters=_parameters(header),
        sha256=(about.sha256 if about is not None else None) or sha256_of(located.path, progress),
        tensor_types=types,
        weight_bytes_per_token=sum(matrix.bytes for matrix in work_of(header).matrices),
        kv_bytes_per_token=sum(layer.per_token for layer in cache_layers(header)),
    )


def _parameters(header: Header) -> int:
    return sum(math.prod(tensor.shape) for tensor in header.tensors)


def _description(header: Header, quantization: str) -> str:
    """Such as `qwen2 1.54B Q4_K_M`."""
    count = _parameters(header)
    size = f"{count / 1e9:.2f}B" if count >= 1e9 else f"{count / 1e6:.2f}M"
    return f"{header.architecture} {size} {quantization}"


def configuration(ready: "Ready", settings: Settings) -> Configuration:
    """How a model was loaded, and what is asked of it."""
    from runner.models.draft import draft_of

    draft = draft_of(settings, ready.located) if ready.guessed else None
    return replace(
        _configuration(ready.model, ready.placement),
        speculate=ready.options.speculate,
        draft=":".join(filter(None, (draft.name, draft.quantization))) if draft else None,
        sampling=to_plain(asdict(ready.sampling)),
    )


def configuration_to_score(scorer: "Scorer") -> Configuration:
    """How a model was loaded that only says how likely texts are."""
    return _configuration(scorer, scorer.placement)


def _configuration(loaded: "Model | Scorer", placed: "Placement") -> Configuration:
    computed = (name for name, count in loaded.weights.layers_on.items() if count)
    adapters = loaded.adapters
    return Configuration(
        context=loaded.context_length,
        threads=placed.threads,
        threads_batch=placed.threads_batch,
        batch=placed.batch,
        micro_batch=placed.micro_batch,
        kv=placed.kv_type,
        flash_attention=placed.flash_attention,
        gpu_layers=placed.gpu_layers,
        devices=tuple(dict.fromkeys(("CPU", *computed))),
        mmap=placed.mmap,
        repack=placed.repack,
        speculate=False,
        draft=None,
        adapters=tuple(
            f"{one.path.name}:{one.scale:g}" for one in (*adapters.loras, *adapters.control_vectors)
        ),
        sampling={},
    )
