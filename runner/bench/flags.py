"""What makes a figure less than it seems: flags on a test, each with a threshold and its reason."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence

from runner.bench.record import Flag, Noise, Sample, Test
from runner.bench.shift import condense

LOADED_SHARE = 0.05
"""Of all processors' time, taken by others. One thread that waits for a core makes all wait, so a
twentieth is already more than the differences that people compare."""

FALL = 0.05
"""By how much rate or frequency must have fallen from the beginning to the end: more than a quiet
machine varies, and a difference that is worth a person's while."""

HEAT = 3.0
"""Degrees by which the processor must have warmed up meanwhile, for heat to be the reason."""

HITS = 0.1
"""Of the runs, in which a limit was hit. The median does not feel fewer."""

NOISE = 0.02
"""Shift or half interval of two equal arms, as a share: the ±2 % within which models are said to
be equal. Where equal ones differ by more, nothing can be said to be equal."""

WIDTH = 0.03
"""Half interval over median of the rate: two such figures cannot be told apart at 5 %."""

ABOVE = 1.1
"""Times the ceiling. The ceiling is measured, too, and right to within some percent."""

SURE = 2.576
"""Standard deviations of a trend that chance reaches once in a hundred times."""

FEWEST = 8
"""Runs without which there is no trend."""


def flags(test: Test, noise: Noise | None) -> tuple[Flag, ...]:
    """The flags of a test, from its samples, its ceiling, and the noise of two equal arms."""
    found: dict[Flag, bool] = {
        "CACHED": any(sample.cached_tokens != test.depth for sample in test.samples),
        "IMPLAUSIBLE": _implausible(test),
        "THROTTLED": _throttled(test),
        "LOADED": _others(test.samples) > LOADED_SHARE,
        "BATTERY": any(sample.conditions.on_battery for sample in test.samples),
        "NOISY": _noisy(test, noise),
    }
    return tuple(flag for flag, is_so in found.items() if is_so)


def how_far(test: Test, flag: Flag, noise: Noise | None = None) -> str:
    """The figure behind a flag of a test, in few words; "" where the flag says all."""
    match flag:
        case "LOADED":
            return f"{_others(test.samples):.0%}"
        case "IMPLAUSIBLE" if test.ceiling is not None:
            return f"{test.ceiling.share:.0%} of the ceiling"
        case "CACHED":
            wrong = {one.cached_tokens for one in test.samples} - {test.depth}
            return f"{', '.join(map(str, sorted(wrong)))} tokens, not {test.depth}"
        case "NOISY":
            return ", ".join(_noises(test, noise))
    return ""


def rate(test: Test, sample: Sample) -> float | None:
    """Tokens/s of one run: of what it read in a prefill, else of what it decoded after the first
    token; None where it took no time."""
    if test.kind == "prefill":
        tokens, seconds = sample.prompt_tokens - sample.cached_tokens, sample.prefill_seconds
    else:
        tokens, seconds = sample.reply_tokens - 1, sample.decode_seconds
    return tokens / seconds if seconds > 0 else None


def _implausible(test: Test) -> bool:
    return test.ceiling is not None and test.ceiling.share > ABOVE


def _others(samples: Sequence[Sample]) -> float:
    """The others' share over all runs, each for as long as it took."""
    told = [one for one in samples if one.conditions.other_cpu is not None]
    seconds = sum(one.total_seconds for one in told)
    taken = sum((one.conditions.other_cpu or 0.0) * one.total_seconds for one in told)
    return taken / seconds if seconds else 0.0


def _throttled(test: Test) -> bool:
    counts = [one.conditions.throttled for one in test.samples]
    told = [count for count in counts if count is not None]
    if told and sum(count > 0 for count in told) > HITS * len(told):
        return True
    if _fall(test, lambda one: one.conditions.mhz) > FALL:
        return True
    warmer = -_change(test, lambda one: one.conditions.temperature)
    return warmer > HEAT and _fall(test, lambda one: rate(test, one)) > FALL


def _noisy(test: Test, noise: Noise | None) -> bool:
    return any(_noises(test, noise))


def _noises(test: Test, noise: Noise | None) -> Iterator[str]:
    """What makes a test noisy, each in few words."""
    for one in test.summaries[:1]:
        if one.interval is not None and one.median > 0:
            half = (one.interval[1] - one.interval[0]) / 2 / one.median
            if half > WIDTH:
                yield f"±{half:.1%}"
    if noise is not None:
        low, high = noise.interval or (noise.shift, noise.shift)
        most = max(abs(noise.shift), (high - low) / 2)
        if most > NOISE:
            yield f"two equal runs: ±{most:.1%}"
    outlying = sum(one.outlier for one in test.samples)
    if outlying > HITS * len(test.samples):
        yield f"{outlying} of {len(test.samples)} runs outlying"


Value = Callable[[Sample], float | None]


def _fall(test: Test, value: Value) -> float:
    """By what share it fell from the beginning to the end, where that is no chance; else 0."""
    told = [found for one in test.samples if (found := value(one)) is not None]
    middle = statistics.median(told) if told else 0.0
    return _change(test, value) / middle if middle else 0.0


def _change(test: Test, value: Value) -> float:
    """How far the value fell over all runs by a robust line, 0 where chance may have done it."""
    told = [(one.began, found) for one in test.samples if (found := value(one)) is not None]
    if len(told) < FEWEST:
        return 0.0
    # Each is held against each other one: of many, means of neighbours have to do.
    times, values = (condense([point[place] for point in told]) for place in (0, 1))
    points = list(zip(times, values, strict=True))
    slopes = [
        (after[1] - before[1]) / (after[0] - before[0])
        for number, before in enumerate(points)
        for after in points[number + 1 :]
        if after[0] != before[0]
    ]
    count = len(points)
    score = sum((slope > 0) - (slope < 0) for slope in slopes)
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if not slopes or abs(score) < SURE * deviation:
        return 0.0
    return -statistics.median(slopes) * (points[-1][0] - points[0][0])
