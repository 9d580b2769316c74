"""How the figures of records are called and written, in a terminal, a table or a report alike."""

import unicodedata
from math import floor, isfinite, log10

from runner.bench.metrics import PRIMARY, primary
from runner.bench.record import (
    Configuration,
    Energy,
    Flag,
    Machine,
    Method,
    ModelFile,
    Record,
    Sample,
    Summary,
    Test,
)

LABELS = {
    "prefill_rate": "prefill",
    "decode_rate": "decode",
    "burst_rate": "burst",
    "sustained_rate": "sustained",
    "first_token_cold": "first token, just loaded",
    "first_token_warm": "first token, new prompt",
    "first_token_cached": "first token, same prompt again",
    "inter_token_p50": "between tokens, median",
    "inter_token_p95": "between tokens, 95th percentile",
    "inter_token_p99": "between tokens, 99th percentile",
    "total_seconds": "whole reply",
    "perplexity": "perplexity",
    "divergence": "KL divergence, mean",
    "divergence_p99": "KL divergence, 99th percentile",
    "top1_agreement": "same likeliest token",
    "accuracy": "accuracy",
    "pass_at_1": "pass@1",
    "reasoning_tokens": "reasoning tokens an answer",
    "seconds_per_correct": "time a correct answer",
    "joules_per_correct": "energy a correct answer",
    "cost_per_correct": "cost a correct answer",
}

JUDGED = ("accuracy", "pass_at_1")
"""Metrics that a rule of comparing answers, or likelihoods, decides."""

LOWER_IS_BETTER = {"perplexity", "divergence", "s", "J", "ms"}
"""Metrics, and units, of which less is more; the others are the better the higher."""

FLAGS: dict[Flag, str] = {
    "THROTTLED": "the processor slowed down while this was measured",
    "LOADED": "other programs took processor time meanwhile",
    "BATTERY": "measured on battery, where machines save power",
    "CACHED": "the cache held more or fewer tokens than the test says; refused",
    "NOISY": "the interval is wider than was asked for, or the noise large",
    "IMPLAUSIBLE": "faster than this machine's memory or arithmetic allows; refused",
}

STOPPED = {
    "confident": "stopped when the intervals were narrow enough",
    "time": "stopped at the time budget",
    "blocks": "stopped at the number of blocks asked for",
    "interrupted": "interrupted: only what was measured until then",
    "failed": "it failed: only what was measured until then",
}


def visible(text: str) -> str:
    """Text from outside without characters that are not seen, but change what is: control
    characters and those that reorder a line. Line feeds, tabs and the joiners of letters stay."""
    kept = "\n\t\u200c\u200d"
    return "".join(
        one for one in text if one in kept or unicodedata.category(one) not in ("Cc", "Cf")
    )


def label(metric: str) -> str:
    """What a metric is called; an unknown one by its own name."""
    return LABELS.get(metric, metric.replace("_", " "))


def lower_is_better(summary: Summary) -> bool:
    """Whether less of it is more."""
    return bool({summary.metric, summary.metric.split("_")[0], summary.unit} & LOWER_IS_BETTER)


def amount(value: float, unit: str, *, half: float | None = None) -> str:
    """A value with its unit, in as many digits as the half width of its interval leaves a meaning.
    Seconds under one become ms, shares percent."""
    number, unit, half = scaled(value, unit, half)
    return f"{digits(number, half)} {unit}".rstrip()


def interval(summary: Summary) -> str:
    """The interval with its unit, "" where there is none."""
    if summary.interval is None:
        return ""
    half = half_width(summary)
    # Both ends in the unit of the middle, so that they are read together.
    factor, unit = _factor(summary.median, summary.unit)
    low, high = (
        digits(end * factor, None if half is None else half * factor) for end in summary.interval
    )
    return f"{low} to {high} {unit}".rstrip()


def figure(summary: Summary) -> str:
    """The middle of a figure with its unit."""
    return amount(summary.median, summary.unit, half=half_width(summary))


def spoken(summary: Summary) -> str:
    """The figure with its interval, as one says it: "41.2 tokens/s (40.9 to 41.5)"."""
    told = ends(summary)
    return f"{figure(summary)} ({told})" if told else figure(summary)


def ends(summary: Summary) -> str:
    """The interval without its unit, which stands beside it; "" where there is none."""
    unit = figure(summary).partition(" ")[2]
    return interval(summary).removesuffix(unit).rstrip()


def half_width(summary: Summary) -> float | None:
    """Half of the interval's width, None without one."""
    if summary.interval is None:
        return None
    return (summary.interval[1] - summary.interval[0]) / 2


def scaled(value: float, unit: str, half: float | None = None) -> tuple[float, str, float | None]:
    """The value, its unit and half width as they are shown."""
    factor, shown = _factor(value, unit)
    return value * factor, shown, None if half is None else half * factor


def _factor(value: float, unit: str) -> tuple[float, str]:
    if unit == "share":
        return 100.0, "%"
    if unit == "s" and 0 < abs(value) < 1:
        return 1000.0, "ms"
    return 1.0, unit


def digits(value: float, half: float | None = None) -> str:
    """A number with two digits of its uncertainty where that is known, else with four in all."""
    if not isfinite(value):
        return str(value)
    if half:
        return f"{value:.{min(max(1 - floor(log10(half)), 0), 6)}f}"
    if value == 0:
        return "0"
    return f"{value:.{min(max(3 - floor(log10(abs(value))), 0), 6)}f}"


def bytes_words(count: float) -> str:
    """Bytes of a file in decimal units: "1.12 GB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit * 0.9995:
            return (
                f"{count / unit:.3g} {name}" if count < 100 * unit else f"{count / unit:.0f} {name}"
            )
    return f"{count:.0f} B"


def memory_words(count: float) -> str:
    """Bytes of memory in binary units: "15.5 GiB", "312 MiB"."""
    if count >= 2**30:
        return f"{count / 2**30:.1f} GiB"
    return f"{count / 2**20:.0f} MiB"


def parameters(count: int) -> str:
    """A number of parameters: "1.78 billion", "2.4 million"."""
    if count >= 10**9:
        return f"{count / 1e9:.3g} billion"
    return f"{count / 1e6:.3g} million"


def model_words(model: ModelFile) -> str:
    """A model in a line."""
    return ", ".join(model_parts(model))


def model_parts(model: ModelFile) -> list[str]:
    """What is said of a model, each by itself."""
    return [
        model.name,
        model.quantization or model.description,
        bytes_words(model.bytes),
        f"{parameters(model.parameters)} parameters",
    ]


def configuration_words(configuration: Configuration) -> str:
    """How a model was loaded, in a line."""
    return ", ".join(configuration_parts(configuration))


def configuration_parts(configuration: Configuration) -> list[str]:
    """What is said of how a model was loaded, each by itself."""
    one = configuration
    threads = f"threads {one.threads}"
    if one.threads_batch != one.threads:
        threads += f" (prefill {one.threads_batch})"
    parts = [
        f"on {', '.join(one.devices) or 'CPU'}",
        threads,
        f"context {one.context}",
        f"batch {one.batch}, micro-batch {one.micro_batch}",
        f"KV {one.kv}",
        f"flash attention {one.flash_attention}",
    ]
    if one.gpu_layers and len(one.devices) > 1:
        # Less than none is how llama.cpp says all.
        count = one.gpu_layers if one.gpu_layers > 0 else "all"
        parts.append(f"{count} layers on devices")
    if not one.mmap:
        parts.append("not memory-mapped")
    if not one.repack:
        parts.append("weights not repacked")
    if one.speculate:
        parts.append(f"speculation{f' with {one.draft}' if one.draft else ''}")
    return [*parts, *one.adapters, *(f"{name} {value}" for name, value in one.other.items())]


def machine_words(machine: Machine) -> str:
    """A machine in a line."""
    cores = f"{machine.physical_cores} cores, {machine.usable_threads} threads to use"
    parts = [
        machine.processor,
        *((cores, memory_words(machine.memory_bytes)) if machine.physical_cores else ()),
        *machine.devices,
        *filter(None, (machine.system,)),
    ]
    if machine.read_bandwidth:
        parts.append(f"memory read at {machine.read_bandwidth / 1e9:.1f} GB/s (measured)")
    return ", ".join(parts)


def tool_words(record: Record) -> str:
    """The program and its llama.cpp, in a line."""
    tool = record.tool
    if not tool.runner:  # another program's result, which was imported
        return tool.build
    return f"runner {tool.runner}, llama-cpp-python {tool.llama_cpp_python}, Python {tool.python}"


def method_words(method: Method) -> str:
    """How it was measured, in a line."""
    return ", ".join(method_parts(method))


def method_parts(method: Method) -> list[str]:
    """What is said of how it was measured, each by itself."""
    budget = f" of {method.time_budget:.0f} s" if method.time_budget else ""
    return [
        f"{method.blocks} block{'s'[: method.blocks != 1]} in random order",
        f"after {method.warm_ups} warm-up{'s'[: method.warm_ups != 1]}",
        *([f"loaded {method.loads} times in mirrored orders"] if method.loads > 1 else ()),
        f"{method.seconds:.0f} s{budget}",
        STOPPED.get(method.stopped, method.stopped),
        "medians of blocks",
        f"{method.confidence:.0%} bootstrap intervals over blocks",
        f"seed {method.seed}",
    ]


def energy_words(energy: Energy) -> str:
    """Joules a token with where they are from, or why there are none and what would help."""
    remedy = f". {energy.remedy}" if energy.remedy else ""
    if energy.gross is None:
        return f"not measured: {energy.reason}{remedy}"
    where = f"{energy.domain}, {energy.source}, {energy.kind}"
    if energy.net is None:
        gross = f"{digits(energy.gross)} J/token gross, {where}"
        return f"{gross}; net of rest not measured: {energy.reason}{remedy}"
    idle = "" if energy.idle_watts is None else f", idle {energy.idle_watts:.1f} W"
    said = f"; {energy.reason}" if energy.reason else ""
    return f"{digits(energy.net)} J/token ({digits(energy.gross)} with idle{idle}), {where}{said}"


def sample_rate(test: Test, sample: Sample) -> float | None:
    """Tokens/s of one run, by the formula of what its test is about; None where it did none."""
    return primary(test).of(sample)


def rate_summary(test: Test) -> Summary | None:
    """The figure of how fast a test ran: that of what it is about, else its first rate."""
    rates = (one for one in test.summaries if one.unit == "tokens/s")
    return test.summary(PRIMARY[test.kind].name) or next(rates, None)
