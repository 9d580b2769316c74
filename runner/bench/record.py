"""The record of a measurement: one self-describing value, which says what ran, on what, how, every
raw sample, and what may be concluded. What `runner history` keeps, and `--json` prints.

A record is of one model in one configuration. Those that were measured together share a `run`, and
their blocks of the same number are pairs. Counts are in tokens, sizes in bytes, durations in
seconds, rates in tokens/s and energy in joules, and names say so.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from runner.machine.conditions import Conditions

SCHEMA = "runner-record/1"

Flag = Literal["THROTTLED", "LOADED", "BATTERY", "CACHED", "NOISY", "IMPLAUSIBLE"]
"""What makes a figure less than it seems. CACHED and IMPLAUSIBLE ones are refused: they have no
summary."""

RecordKind = Literal["speed", "quality"]
TestKind = Literal["prefill", "decode", "reply"]
EnergyKind = Literal["counter", "model", "gauge"]


@dataclass(frozen=True, slots=True)
class Tool:
    """What measured. `build` are llama.cpp's own words on how it was compiled, `libraries` a digest
    of the names and sizes of its libraries."""

    runner: str
    llama_cpp_python: str
    build: str
    python: str
    libraries: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it ran. `id` is of what its speed depends on (processor, memory, devices, system), and
    of nothing that names a person or a host. `read_bandwidth` (bytes/s) and `arithmetic`
    (operations per second with 4-bit weights) are measured ones, None where they were not."""

    id: str
    processor: str
    physical_cores: int
    logical_cores: int
    usable_threads: int
    memory_bytes: int
    system: str
    instruction_sets: tuple[str, ...]
    devices: tuple[str, ...]
    read_bandwidth: float | None = None
    arithmetic: float | None = None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The file that ran, without the folder it lies in. `tensor_types` counts bytes by ggml's type;
    `weight_bytes_per_token` are those read for one token of a decode, `kv_bytes_per_token` those
    that one more token in the context adds to it."""

    name: str
    file: str
    quantization: str | None
    description: str
    architecture: str
    bytes: int
    parameters: int
    sha256: str | None
    tensor_types: dict[str, int]
    weight_bytes_per_token: float
    kv_bytes_per_token: float


@dataclass(frozen=True, slots=True)
class Configuration:
    """How it was loaded and asked. `devices` names what computed; the CPU always has a part."""

    context: int
    threads: int
    threads_batch: int
    batch: int
    micro_batch: int
    kv: str
    flash_attention: str
    gpu_layers: int
    devices: tuple[str, ...]
    mmap: bool
    repack: bool
    speculate: bool
    draft: str | None
    adapters: tuple[str, ...]
    sampling: dict[str, Any]
    """The sampler of replies; decode tests are greedy unless their name says `sampled`."""
    other: dict[str, Any] = field(default_factory=dict)
    """What another program said of how it loaded the model, by its own names."""


@dataclass(frozen=True, slots=True)
class Method:
    """How it was measured, so that someone else can do the same. `stopped` says why it ended:
    "confident", "time", "blocks", "interrupted", or "failed" where the arm did, which may have
    fewer runs than `blocks` says."""

    blocks: int
    warm_ups: int
    least_blocks: int
    time_budget: float
    width: float
    """The relative width of the interval that was asked for."""
    confidence: float
    seed: int
    stopped: str
    seconds: float
    looked: bool = False
    """Whether a comparison was asked for after blocks, and could end it: its verdict is then one of
    someone who looked again and again, and is held to a stricter bound."""
    loads: int = 1
    """How often each arm was loaded for the blocks, in mirrored orders (see `bench.sessions`)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a test. `began` is since the first run that counts. `inter_token_seconds` are the
    times between tokens of a reply, one fewer than it has; none where they were not asked for."""

    block: int
    position: int
    began: float
    prompt_tokens: int
    cached_tokens: int
    reply_tokens: int
    prefill_seconds: float
    first_token_seconds: float
    decode_seconds: float
    total_seconds: float
    inter_token_seconds: tuple[float, ...] = ()
    guessed_tokens: int = 0
    accepted_tokens: int = 0
    conditions: Conditions = field(default_factory=Conditions)
    outlier: bool = False
    cached_first_token_seconds: float | None = None
    """To the first token of the same prompt right after it, with all but its last token cached."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One figure over the blocks: the median of the blocks' medians, and the interval that a
    bootstrap over blocks gives; None where there are too few. `formula` says what it is made of."""

    metric: str
    unit: str
    formula: str
    median: float
    interval: tuple[float, float] | None
    blocks: int
    samples: int
    outliers: int = 0


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What this machine could reach at most, by its measured bandwidth or arithmetic, and how much
    of it was. `limited_by` is "memory" or "arithmetic"."""

    rate: float
    share: float
    limited_by: str
    formula: str


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules a token (`of` is "prefill" or "decode"), net of the idle power before and after, and
    gross. Where `net`, or both, are None, `reason` says why they were not measured and `remedy`
    what would help; it also says so where the device was idle."""

    of: str
    net: float | None
    gross: float | None
    idle_watts: float | None
    domain: str
    source: str
    kind: EnergyKind | None
    tokens: int = 0
    seconds: float = 0.0
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a million tokens, in `currency`: electricity alone, from measured energy; beside what the
    price file says of an API. None where energy was not measured."""

    of: str
    electricity: float | None
    currency: str
    price_per_kwh: float | None
    api: str | None
    api_price: float | None
    prices_dated: str | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Test:
    """A workload and what it gave. `name` is the field's (pp512, tg128, tg128@d4096) or the text's
    (chat, summarise …). `workload_sha256` is of everything that decides its tokens but the draw."""

    name: str
    kind: TestKind
    workload: str
    workload_sha256: str
    prompt_tokens: int
    reply_tokens: int
    depth: int
    samples: tuple[Sample, ...] = ()
    summaries: tuple[Summary, ...] = ()
    ceiling: Ceiling | None = None
    energy: tuple[Energy, ...] = ()
    costs: tuple[Cost, ...] = ()
    flags: tuple[Flag, ...] = ()

    def summary(self, metric: str) -> Summary | None:
        """The figure of that name, where there is one."""
        return next((one for one in self.summaries if one.metric == metric), None)


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds from the call to a model ready to answer: with its file in the page cache, and
    without; None with the reason where it was not measured."""

    warm: float | None
    cold: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Peaks, in bytes: memory of its own, pages of files (weights that are mapped, which give way),
    and of the devices; None where the system does not tell."""

    anonymous: int | None
    file: int | None
    device: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Noise:
    """Two equal arms compared (A/A): what this machine shows where there is no difference, as a
    share of the rate, with its interval."""

    test: str
    shift: float
    interval: tuple[float, float] | None
    blocks: int


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a task and what came of it. `score` is the task's own number (a
    log-likelihood, a perplexity's window); `correct` None where nothing is right or wrong."""

    id: str
    correct: bool | None = None
    score: float | None = None
    expected: str = ""
    answer: str = ""
    extracted: str = ""
    sample: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    reasoning_tokens: int = 0
    seconds: float = 0.0
    finish: str = ""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A task and how well it was done. `kind` is "perplexity", "divergence", "choice" or
    "generated"; `normaliser` names how answers or log-likelihoods were made comparable."""

    name: str
    kind: str
    source: str
    sha256: str
    licence: str
    normaliser: str
    count: int
    summaries: tuple[Summary, ...]
    items: tuple[Item, ...] = ()
    energy: tuple[Energy, ...] = ()
    costs: tuple[Cost, ...] = ()
    facts: dict[str, Any] | None = None
    """What else the task says of how it was done (samples, token budget, reference model)."""

    def summary(self, metric: str) -> Summary | None:
        """The figure of that name, where there is one."""
        return next((one for one in self.summaries if one.metric == metric), None)


@dataclass(frozen=True, slots=True)
class Advice:
    """What limits this model here, and the one change that would help most; plain sentences."""

    limit: str
    change: str


@dataclass(frozen=True, slots=True)
class Record:
    """One model in one configuration. `date` is ISO 8601 in UTC; `id` is unique, `run` that of the
    measurement; `name` is what it is called beside others of its run."""

    id: str
    run: str
    date: str
    kind: RecordKind
    name: str
    tool: Tool
    machine: Machine
    model: ModelFile
    configuration: Configuration
    method: Method | None = None
    tests: tuple[Test, ...] = ()
    tasks: tuple[TaskResult, ...] = ()
    load: Load | None = None
    memory: MemoryUse | None = None
    noise: tuple[Noise, ...] = ()
    advice: Advice | None = None
    flags: tuple[Flag, ...] = ()
    schema: str = SCHEMA

    def test(self, name: str) -> Test | None:
        """The test of that name, where there is one."""
        return next((one for one in self.tests if one.name == name), None)

    def task(self, name: str) -> TaskResult | None:
        """The task of that name, where there is one."""
        return next((one for one in self.tasks if one.name == name), None)
