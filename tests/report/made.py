"""Records as a measurement would leave them, made of known figures and a fixed chance: what tests
of tables and reports look at. Nothing here was measured."""

import random
from dataclasses import replace
from statistics import median

from runner.bench.record import (
    Advice,
    Ceiling,
    Configuration,
    Cost,
    Energy,
    Flag,
    Item,
    Load,
    Machine,
    MemoryUse,
    Method,
    ModelFile,
    Noise,
    Record,
    Sample,
    Summary,
    TaskResult,
    Test,
    TestKind,
    Tool,
)
from runner.machine.conditions import Conditions

TOOL = Tool("0.9.0", "0.3.36", "CPU : AVX2 = 1 | OPENMP = 1", "3.12.4")
MACHINE = Machine(
    id="m-1",
    processor="Ryzen 7 7840U",
    physical_cores=8,
    logical_cores=16,
    usable_threads=8,
    memory_bytes=32 * 2**30,
    system="Linux 6.8",
    instruction_sets=("AVX2", "AVX512F"),
    devices=(),
    read_bandwidth=58.4e9,
    arithmetic=1.1e12,
)
DEPTHS = (0, 2048, 4096, 8192)
BLOCKS = 9

NOT_MEASURED = Energy(
    of="decode",
    net=None,
    gross=None,
    idle_watts=None,
    domain="package",
    source="powercap",
    kind=None,
    reason="/sys/class/powercap/intel-rapl:0/energy_uj may be read by root only",
    remedy="sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj",
)
MEASURED = Energy(
    of="decode",
    net=0.412,
    gross=0.655,
    idle_watts=7.9,
    domain="package",
    source="powercap",
    kind="counter",
    tokens=712,
    seconds=22.4,
)
COST = Cost(
    of="decode",
    electricity=0.0343,
    currency="EUR",
    price_per_kwh=0.30,
    api="r1-distill-qwen-1.5b at an API",
    api_price=0.18,
    prices_dated="2026-11-01",
    verdict="a million tokens take electricity for 0.034 EUR; an API asks 0.18 EUR (2026-11-01)",
)


def summary(
    metric: str, unit: str, values: list[float], spread: float = 0.01, outliers: int = 0
) -> Summary:
    """A summary about the median of the values, with an interval of the given half width."""
    middle = median(values)
    ends = (middle * (1 - spread), middle * (1 + 1.2 * spread))
    return Summary(metric, unit, "for tests", middle, ends, BLOCKS, len(values), outliers)


def sample(
    draw: random.Random, kind: TestKind, block: int, began: float, rate: float, depth: int
) -> Sample:
    """One run, of a machine that grows warm and gives way a little."""
    warm = 1 - 0.03 * min(began / 400, 1)
    rate *= warm * draw.gauss(1, 0.008)
    prompt, reply = (512, 1) if kind == "prefill" else (64, 128)
    gaps: tuple[float, ...] = ()
    if kind == "reply":
        gaps = tuple(
            draw.gauss(1, 0.03) / rate * (1 + (draw.random() < 0.03) * 0.8) for _ in range(127)
        )
    seconds = prompt / (rate if kind == "prefill" else rate * 6)
    return Sample(
        block=block,
        position=block % 2,
        began=began,
        prompt_tokens=prompt,
        cached_tokens=0,
        reply_tokens=reply,
        prefill_seconds=seconds,
        first_token_seconds=seconds * 1.01,
        decode_seconds=reply / rate,
        total_seconds=seconds + reply / rate,
        inter_token_seconds=gaps,
        conditions=Conditions(
            other_cpu=abs(draw.gauss(0.01, 0.005)),
            mhz=3600 * warm + draw.gauss(0, 15),
            temperature=52 + 26 * min(began / 300, 1) + draw.gauss(0, 0.6),
            throttled=0,
            major_faults=0,
            minor_faults=12,
            on_battery=False,
            governor="schedutil",
        ),
        outlier=draw.random() < 0.04,
    )


def speed_test(
    draw: random.Random,
    name: str,
    kind: TestKind,
    rate: float,
    depth: int = 0,
    flags: tuple[Flag, ...] = (),
    energy: tuple[Energy, ...] = (),
) -> Test:
    """A test of the given rate at its depth, with its samples and figures."""
    rate /= 1 + depth / (9000 if kind == "prefill" else 14000)
    samples = tuple(
        sample(draw, kind, block, 12 + 55 * block + 3 * position + depth / 400, rate, depth)
        for block in range(BLOCKS)
        for position in range(2)
    )
    rates = [
        512 / one.prefill_seconds if kind == "prefill" else one.reply_tokens / one.decode_seconds
        for one in samples
    ]
    outliers = sum(one.outlier for one in samples)
    metric = "prefill_rate" if kind == "prefill" else "decode_rate"
    summaries = [summary(metric, "tokens/s", rates, outliers=outliers)]
    if kind == "reply":
        gaps = sorted(gap for one in samples for gap in one.inter_token_seconds)
        summaries += [
            summary("first_token_cold", "s", [1.4 * one.first_token_seconds for one in samples]),
            summary("first_token_warm", "s", [one.first_token_seconds for one in samples]),
            summary("first_token_cached", "s", [0.04]),
            *(
                summary(f"inter_token_p{p}", "s", [gaps[int(len(gaps) * p / 100)]], 0.03)
                for p in (50, 95, 99)
            ),
        ]
    share = 0.83 if kind != "prefill" else 0.61
    return Test(
        name=f"{name}@d{depth}" if depth else name,
        kind=kind,
        workload="chat" if kind == "reply" else "synthetic",
        workload_sha256="ab" * 32,
        prompt_tokens=samples[0].prompt_tokens,
        reply_tokens=samples[0].reply_tokens,
        depth=depth,
        samples=samples,
        summaries=tuple(summaries),
        ceiling=Ceiling(
            rate=summaries[0].median / share,
            share=share,
            limited_by="arithmetic" if kind == "prefill" else "memory",
            formula="bytes read at the measured bandwidth",
        ),
        energy=energy,
        costs=(COST,) if energy and energy[0].net is not None else (),
        flags=flags,
    )


def model(name: str, quantization: str, size: int, sha256: str) -> ModelFile:
    """A model's file."""
    return ModelFile(
        name=name,
        file=f"{name}-{quantization}.gguf",
        quantization=quantization,
        description=quantization,
        architecture="qwen2",
        bytes=size,
        parameters=1_777_088_000,
        sha256=sha256 * 64,
        tensor_types={quantization.partition("_K")[0]: size - 10**7, "F32": 10**7},
        weight_bytes_per_token=size * 0.87,
        kv_bytes_per_token=28672.0,
    )


def configuration(kv: str = "f16", threads: int = 8) -> Configuration:
    """How it was loaded."""
    return Configuration(
        context=9216,
        threads=threads,
        threads_batch=threads,
        batch=2048,
        micro_batch=512,
        kv=kv,
        flash_attention="on",
        gpu_layers=0,
        devices=("CPU",),
        mmap=True,
        repack=True,
        speculate=False,
        draft=None,
        adapters=(),
        sampling={"temperature": 0.6, "top_p": 0.95},
    )


METHOD = Method(
    blocks=BLOCKS,
    warm_ups=3,
    least_blocks=5,
    time_budget=600.0,
    width=0.02,
    confidence=0.95,
    seed=7,
    stopped="confident",
    seconds=512.0,
)

ARMS = (
    # name, quantization, bytes, sha, KV, decode, prefill, accuracy, perplexity
    ("r1-qwen-1.5b", "Q8_0", 1_894_000_000, "a", "f16", 24.1, 141.0, 0.741, 12.31),
    ("r1-qwen-1.5b", "Q4_K_M", 1_117_000_000, "b", "f16", 39.7, 133.0, 0.728, 12.62),
    ("r1-qwen-1.5b", "Q4_0", 1_066_000_000, "c", "f16", 41.5, 176.0, 0.661, 13.20),
    ("r1-qwen-1.5b", "Q3_K_M", 924_000_000, "d", "f16", 37.2, 118.0, 0.58, 14.9),
    ("qwen3-0.6b", "Q8_0", 639_000_000, "e", "f16", 72.9, 388.0, 0.512, 17.45),
)


def speed_records() -> tuple[Record, ...]:
    """A run of five models, measured together."""
    return tuple(_speed(number, *arm) for number, arm in enumerate(ARMS))


def _speed(
    number: int,
    name: str,
    quantization: str,
    size: int,
    sha256: str,
    kv: str,
    decode: float,
    prefill: float,
    *_: float,
) -> Record:
    draw = random.Random(number)
    energy = (MEASURED,) if number == 1 else (NOT_MEASURED,)
    tests = [speed_test(draw, "pp512", "prefill", prefill, depth) for depth in DEPTHS]
    for depth in DEPTHS:
        flags: tuple[Flag, ...] = ("THROTTLED", "NOISY") if (number, depth) == (2, 8192) else ()
        of = energy if depth == 0 else ()
        tests.append(speed_test(draw, "tg128", "decode", decode, depth, flags, of))
    tests.append(speed_test(draw, "chat", "reply", decode * 0.97))
    if number == 3:
        refused = speed_test(draw, "reasoning", "reply", decode, 0, ("CACHED",))
        tests.append(replace(refused, summaries=(), ceiling=None))
    return Record(
        id=f"20261127-0512-k3f{number}",
        run="20261127-0512-k3f0",
        date="2026-11-27T05:12:09Z",
        kind="speed",
        name=f"{name} {quantization}",
        tool=TOOL,
        machine=MACHINE,
        model=model(name, quantization, size, sha256),
        configuration=configuration(kv),
        method=METHOD,
        tests=tuple(tests),
        load=Load(0.41, 1.9),
        memory=MemoryUse(412 * 2**20, size, None, "no device"),
        noise=(Noise("tg128", 0.002, (-0.004, 0.007), BLOCKS),),
        advice=Advice(
            "Reading the weights from memory limits decode: 83 % of what this machine can.",
            "A smaller quantization would help most: Q4_0 reads 44 % fewer bytes a token.",
        )
        if number == 0
        else None,
        flags=("THROTTLED",) if number == 2 else (),
    )


def with_few_runs(record: Record) -> Record:
    """Of its tests the flattest and the deepest, of those a few runs: a small record."""
    kept = [replace(one, samples=one.samples[:3]) for one in record.tests if one.depth in (0, 8192)]
    return replace(record, tests=tuple(kept))


def quality_records() -> tuple[Record, ...]:
    """The same models' answers to two tasks and their perplexity."""
    return tuple(_quality(number, *arm) for number, arm in enumerate(ARMS))


def _quality(
    number: int,
    name: str,
    quantization: str,
    size: int,
    sha256: str,
    kv: str,
    decode: float,
    prefill: float,
    accuracy: float,
    perplexity: float,
) -> Record:
    draw = random.Random(100 + number)
    count, half = 400, 1.96 * (accuracy * (1 - accuracy) / 400) ** 0.5
    right = [n < accuracy * count for n in range(count)]
    items = tuple(
        Item(
            id=f"q{n}",
            correct=one,
            expected="42",
            answer="The answer is 42." if one else "It is 41.",
            extracted="42" if one else "41",
            reply_tokens=draw.randrange(200, 900),
            reasoning_tokens=draw.randrange(100, 700),
            seconds=draw.uniform(5, 30),
            finish="end",
        )
        for n, one in enumerate(right)
    )
    words = TaskResult(
        name="arithmetic",
        kind="generated",
        source="shipped",
        sha256="cd" * 32,
        licence="MIT",
        normaliser="numeric",
        count=count,
        summaries=(
            Summary("accuracy", "share", "right / all, Wilson", accuracy,
                    (accuracy - half, accuracy + half), 0, count),
            summary("seconds_per_correct", "s", [560 / decode]),
            summary("reasoning_tokens", "tokens", [412.0]),
        ),
        items=items,
        facts={"samples": 1, "token budget": 2048},
    )  # fmt: skip
    text = TaskResult(
        name="wiki.test.raw",
        kind="perplexity",
        source="wiki.test.raw",
        sha256="ef" * 32,
        licence="CC-BY-SA-3.0",
        normaliser="per_token",
        count=290,
        summaries=(
            Summary("perplexity", "", "exp of the mean", perplexity,
                    (perplexity * 0.99, perplexity * 1.01), 0, 290),
        ),
    )  # fmt: skip
    return Record(
        id=f"20261127-0540-q9a{number}",
        run=f"20261127-0540-q9a{number}",
        date="2026-11-27T05:40:31Z",
        kind="quality",
        name=f"{name} {quantization}",
        tool=TOOL,
        machine=MACHINE,
        model=model(name, quantization, size, sha256),
        configuration=configuration(kv),
        tasks=(words, text),
    )
