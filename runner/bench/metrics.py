"""The figures that a run gives: their names, units and formulas, each defined once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.bench.record import Sample, Test, TestKind
from runner.bench.statistics import by_block


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a sample; `of` gives None where the run did nothing of it."""

    name: str
    unit: str
    formula: str
    higher_is_better: bool
    of: Callable[[Sample], float | None]


def _prefill(sample: Sample) -> float | None:
    read = sample.prompt_tokens - sample.cached_tokens
    return read / sample.prefill_seconds if read > 0 and sample.prefill_seconds > 0 else None


def _decode(sample: Sample) -> float | None:
    steps = sample.reply_tokens - 1
    return steps / sample.decode_seconds if steps > 0 and sample.decode_seconds > 0 else None


PREFILL = Metric(
    "prefill_rate", "tokens/s", "(prompt tokens - cached) / prefill seconds", True, _prefill
)
DECODE = Metric("decode_rate", "tokens/s", "(reply tokens - 1) / decode seconds", True, _decode)
FIRST_TOKEN = Metric(
    "first_token_warm",
    "s",
    "from the request to the first sampled token",
    False,
    lambda sample: sample.first_token_seconds,
)

FIRST_TOKEN_CACHED = Metric(
    "first_token_cached",
    "s",
    "the same prompt again, all but its last token cached",
    False,
    lambda sample: sample.cached_first_token_seconds,
)
TOTAL = Metric(
    "total_seconds",
    "s",
    "from the request to the end of the reply",
    False,
    lambda sample: sample.total_seconds,
)


def _both(sample: Sample) -> float | None:
    tokens = sample.prompt_tokens - sample.cached_tokens + sample.reply_tokens - 1
    seconds = sample.prefill_seconds + sample.decode_seconds
    return tokens / seconds if seconds > 0 else None


BOTH = Metric(
    "total_rate",
    "tokens/s",
    "(prompt tokens - cached + reply tokens - 1) / (prefill + decode seconds)",
    True,
    _both,
)


def _accepted(sample: Sample) -> float | None:
    return sample.accepted_tokens / sample.guessed_tokens if sample.guessed_tokens else None


ACCEPTED = Metric("accepted", "share", "guesses accepted / guesses made", True, _accepted)


def percentile(values: Sequence[float], share: float) -> float:
    """Interpolated between the two nearest of at least one value."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _between_tokens(percent: int) -> Metric:
    def of(sample: Sample) -> float | None:
        times = sample.inter_token_seconds
        return percentile(times, percent / 100) if times else None

    formula = f"percentile {percent} of the times between tokens of a run"
    return Metric(f"inter_token_p{percent}", "s", formula, False, of)


BETWEEN_TOKENS = tuple(map(_between_tokens, (50, 95, 99)))

METRICS = {
    metric.name: metric
    for metric in (
        PREFILL, DECODE, FIRST_TOKEN, FIRST_TOKEN_CACHED, *BETWEEN_TOKENS, TOTAL, BOTH, ACCEPTED,
    )
}  # fmt: skip

FIGURES: dict[TestKind, tuple[Metric, ...]] = {
    "prefill": (PREFILL, FIRST_TOKEN, FIRST_TOKEN_CACHED),
    "decode": (DECODE, *BETWEEN_TOKENS),
    "reply": (
        DECODE, PREFILL, FIRST_TOKEN, FIRST_TOKEN_CACHED, *BETWEEN_TOKENS, TOTAL, BOTH, ACCEPTED,
    ),
}  # fmt: skip
"""What is told of a test, its main figure first."""

PRIMARY: dict[TestKind, Metric] = {"prefill": PREFILL, "decode": DECODE, "reply": DECODE}
"""What a test is about, and compared by."""


WHOLE = Metric(
    "total_rate",
    "tokens/s",
    "(prompt tokens + reply tokens) / seconds",
    True,
    lambda sample: (
        (sample.prompt_tokens + sample.reply_tokens) / sample.total_seconds
        if sample.total_seconds > 0
        else None
    ),
)


def primary(test: Test) -> Metric:
    """What a test is compared by. Where other programs measured a prompt and a reply together, only
    the whole time is known."""
    metric = PRIMARY[test.kind]
    known = not test.samples or any(metric.of(sample) is not None for sample in test.samples)
    return metric if known else WHOLE


def values(test: Test, metric: Metric) -> list[tuple[int, float]]:
    """(block, value) of each sample that has one, in the order they were taken."""
    return values_of(test.samples, metric)


def values_of(samples: Sequence[Sample], metric: Metric) -> list[tuple[int, float]]:
    """The same of samples that are no whole test."""
    found = ((sample.block, metric.of(sample)) for sample in samples)
    return [(block, value) for block, value in found if value is not None]


def rates_by_block(test: Test) -> dict[int, float]:
    """What a test is compared by, of each block."""
    return by_block(values(test, primary(test)))
