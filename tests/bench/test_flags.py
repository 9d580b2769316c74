import statistics
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench import record
from runner.bench.flags import flags, how_far
from runner.bench.record import Ceiling, Flag, Noise, Sample, Summary
from runner.machine.conditions import Conditions

QUIET = Conditions(other_cpu=0.01, mhz=3400, temperature=60, throttled=0, on_battery=False)


def sample(number: int, rate: float = 20.0, conditions: Conditions = QUIET) -> Sample:
    seconds = 128 / rate
    return Sample(
        block=number,
        position=0,
        began=10.0 * number,
        prompt_tokens=1,
        cached_tokens=0,
        reply_tokens=129,
        prefill_seconds=0.05,
        first_token_seconds=0.05,
        decode_seconds=seconds,
        total_seconds=seconds + 0.05,
        conditions=conditions,
    )


def decode(*samples: Sample) -> record.Test:
    return record.Test("tg128", "decode", "synthetic", "0" * 64, 1, 129, 0, samples=samples)


STEADY = decode(*(sample(number, 20 + 0.1 * (-1) ** number) for number in range(20)))


def of(conditions: Conditions) -> tuple[Flag, ...]:
    return flags(decode(*(sample(number, conditions=conditions) for number in range(20))), None)


def test_a_quiet_machine_has_none() -> None:
    assert flags(STEADY, Noise("tg128", 0.004, (-0.01, 0.012), 20)) == ()
    assert flags(decode(), None) == ()


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert of(Conditions()) == ()


def test_loaded() -> None:
    assert of(replace(QUIET, other_cpu=0.06)) == ("LOADED",)
    assert of(replace(QUIET, other_cpu=0.04)) == ()
    loaded = decode(*(sample(n, conditions=replace(QUIET, other_cpu=0.06)) for n in range(20)))
    assert how_far(loaded, "LOADED") == "6%"


def test_battery() -> None:
    assert of(replace(QUIET, on_battery=True)) == ("BATTERY",)


def test_cached_beyond_the_depth_that_was_asked_for() -> None:
    first, *others = STEADY.samples
    cached = replace(STEADY, samples=(replace(first, cached_tokens=512), *others))
    assert flags(cached, None) == ("CACHED",)
    assert how_far(cached, "CACHED") == "512 tokens, not 0"


def test_a_depth_that_the_cache_lost() -> None:
    deep = [replace(one, cached_tokens=512) for one in STEADY.samples]
    assert flags(replace(STEADY, depth=512, samples=tuple(deep)), None) == ()
    lost = (replace(deep[0], cached_tokens=0), *deep[1:])
    assert flags(replace(STEADY, depth=512, samples=lost), None) == ("CACHED",)


def test_implausible() -> None:
    ceiling = Ceiling(rate=15, share=20 / 15, limited_by="memory", formula="")
    assert flags(replace(STEADY, ceiling=ceiling), None) == ("IMPLAUSIBLE",)
    assert how_far(replace(STEADY, ceiling=ceiling), "IMPLAUSIBLE") == "133% of the ceiling"
    assert flags(replace(STEADY, ceiling=replace(ceiling, share=0.97)), None) == ()


def test_throttled_by_a_limit_that_is_hit_again_and_again() -> None:
    def hit(times: int) -> tuple[Flag, ...]:
        states = [replace(QUIET, throttled=int(number < times)) for number in range(20)]
        return flags(decode(*(sample(n, conditions=one) for n, one in enumerate(states))), None)

    assert hit(1) == ()
    assert hit(5) == ("THROTTLED",)


def test_throttled_by_a_falling_frequency() -> None:
    states = [replace(QUIET, mhz=3400 - 20 * number) for number in range(20)]
    falling = decode(*(sample(n, conditions=one) for n, one in enumerate(states)))
    assert flags(falling, None) == ("THROTTLED",)


def test_throttled_by_heat_while_the_rate_falls() -> None:
    def warming(degrees: float) -> tuple[Flag, ...]:
        states = [replace(QUIET, mhz=None, temperature=60 + degrees * n) for n in range(20)]
        return flags(decode(*(sample(n, 20 - 0.1 * n, c) for n, c in enumerate(states))), None)

    assert warming(1.0) == ("THROTTLED",)
    assert "THROTTLED" not in warming(0.0)


@pytest.mark.parametrize("count", [20, 5000])
def test_a_trend_costs_as_little_of_many_runs(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[int]()
    median = statistics.median

    def counted(values: Sequence[float]) -> float:
        seen.append(len(values))
        return median(values)

    monkeypatch.setattr(statistics, "median", counted)
    states = [replace(QUIET, mhz=3400 * (1 - 0.2 * number / count)) for number in range(count)]
    falling = decode(*(sample(n, conditions=one) for n, one in enumerate(states)))
    assert flags(falling, None) == ("THROTTLED",)
    assert max(seen) <= max(count, 200 * 199 / 2)


def test_noisy() -> None:
    assert flags(STEADY, Noise("tg128", 0.03, None, 20)) == ("NOISY",)
    assert flags(STEADY, Noise("tg128", 0.0, (-0.03, 0.03), 20)) == ("NOISY",)
    wide = Summary("decode_rate", "tokens/s", "", 20.0, (19.0, 21.0), 6, 12)
    assert flags(replace(STEADY, summaries=(wide,)), None) == ("NOISY",)
    assert how_far(replace(STEADY, summaries=(wide,)), "NOISY") == "±5.0%"
    some = replace(
        STEADY, samples=tuple(replace(one, outlier=one.block < 3) for one in STEADY.samples)
    )
    assert flags(some, None) == ("NOISY",)
    noise = Noise("tg128", 0.03, None, 20)
    assert how_far(some, "NOISY", noise) == "two equal runs: ±3.0%, 3 of 20 runs outlying"


@given(st.lists(st.floats(19, 21), min_size=8, max_size=30))
def test_rates_within_five_percent_are_never_throttled(rates: list[float]) -> None:
    rates = [20 + (rate - 20) / 3 for rate in rates]
    assert "THROTTLED" not in flags(decode(*(sample(n, r) for n, r in enumerate(rates))), None)
