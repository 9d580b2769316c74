"""What this machine could reach at most, by the memory bandwidth and the arithmetic rate that were
measured on it, and how much of that a test did reach.

Decode reads all weights that take part, and the KV cache of the tokens before, for each step:
steps/s ≤ bandwidth ÷ (weights + depth × KV bytes a token). Prefill computes two operations for each
weight and token: tokens/s ≤ operations/s ÷ operations a token. Both hold for both; the lower one is
the ceiling (a roofline: Williams, Waterman, Patterson, CACM 52(4), 2009).
"""

from dataclasses import dataclass

from runner.bench.record import Ceiling, Configuration, Summary, Test
from runner.bench.wording import digits
from runner.fit.header import integer, slides
from runner.fit.memory import cache_layers, rounded
from runner.fit.wishes import BATCH
from runner.fit.work import seen, work_of
from runner.gguf import Header
from runner.machine.caches import last_cache
from runner.machine.rates import CPU, Rates

CACHE = 32 * 2**20
"""Bytes taken for the processor's last cache where the system does not tell."""

STREAMED = 4
"""Weights of so many times the cache are read from memory whole: before they are read again, the
others have driven them out. Of smaller ones a part may stay."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step of so many tokens costs: bytes of weights and of the KV cache, operations."""

    weights: float
    cache: float
    operations: float

    @property
    def bytes(self) -> float:
        return self.weights + self.cache


def ceiling(
    test: Test,
    header: Header,
    configuration: Configuration,
    rates: Rates | None = None,
    *,
    cache: int | None = None,
) -> Ceiling | None:
    """The ceiling of a test's rate. `rates` and `cache` (bytes) are this machine's where they are
    not given.

    None where the rate or the machine was not measured, or where other devices than the CPU take
    part. What was measured of those is how fast llama.cpp computes with matrices of a certain size
    there; larger ones are quicker, so that it is no ceiling.
    """
    from runner import machine

    rates, rate = rates or machine.rates(), main_rate(test)
    if rates is None or rate is None or devices_beside(configuration):
        return None
    tokens = _tokens_a_step(test, configuration)
    cost = cost_of(header, configuration.kv, depth=middle(test), tokens=tokens)
    read = _from_memory(cost, last_cache() or CACHE if cache is None else cache)
    by_arithmetic = tokens * _arithmetic(rates) / cost.operations
    by_memory = tokens * rates.read_bandwidth / read if read else float("inf")
    if by_memory <= by_arithmetic:
        words = (
            f"{rates.read_bandwidth / 1e9:.1f} GB/s measured ÷ {cost.bytes / 1e9:.3g} GB "
            f"for each {_step(tokens)}"
        )
        return Ceiling(by_memory, rate.median / by_memory, "memory", words)
    words = (
        f"{_arithmetic(rates) / 1e9:.0f} billion operations/s measured ÷ "
        f"{cost.operations / tokens / 1e9:.3g} billion for each token"
    )
    return Ceiling(by_arithmetic, rate.median / by_arithmetic, "arithmetic", words)


def devices_beside(configuration: Configuration) -> list[str]:
    """The devices beside the CPU that take part: no ceiling is known of them."""
    return [name for name in configuration.devices if name != CPU]


def reached(test: Test, configuration: Configuration) -> str:
    """How much of its ceiling a test reached, or of which devices none is known; "" where the
    machine was not measured."""
    if test.ceiling:
        return f"{test.ceiling.share:.0%} of {digits(test.ceiling.rate)}"
    others = devices_beside(configuration)
    return f"unknown of {', '.join(others)}" if others else ""


def main_rate(test: Test) -> Summary | None:
    """The rate that the test is about."""
    return next((one for one in test.summaries if one.unit == "tokens/s"), None)


def middle(test: Test) -> float:
    """The tokens before, halfway through what is measured."""
    if test.kind == "prefill":
        return test.depth + test.prompt_tokens / 2
    return test.depth + test.prompt_tokens + test.reply_tokens / 2


def cost_of(header: Header, kv: str, *, depth: float, tokens: float = 1) -> Cost:
    """What a step that computes `tokens` at once costs, with `depth` tokens before it and a KV
    cache of that type. Of experts, the bytes of those that one token uses."""
    work = work_of(header)
    attention = sum(one.operations * seen(one, depth) for one in work.attention.values())
    computed = [m for m in work.matrices if tokens == 1 or m.layer < work.layers]
    return Cost(
        weights=sum(matrix.bytes for matrix in work.matrices),
        cache=_cached_bytes(header, kv, depth),
        operations=tokens * (sum(matrix.operations for matrix in computed) + attention),
    )


def _cached_bytes(header: Header, kv: str, depth: float) -> float:
    window = integer(header, "attention.sliding_window")
    total = 0.0
    for number, layer in enumerate(cache_layers(header, kv_type=kv)):
        if slides(header, number):
            total += layer.fixed / rounded(window + BATCH) * min(depth, window)
        else:
            total += layer.per_token * depth + layer.fixed
    return total


def _tokens_a_step(test: Test, configuration: Configuration) -> float:
    """Tokens that one reading of the weights serves."""
    if test.kind == "prefill":
        return max(1, min(test.prompt_tokens, configuration.micro_batch))
    replied = sum(sample.reply_tokens for sample in test.samples)
    steps = replied - sum(sample.accepted_tokens for sample in test.samples)
    return replied / steps if steps > 0 else 1


def _from_memory(cost: Cost, cache: int) -> float:
    if cost.bytes >= STREAMED * cache:
        return cost.bytes
    return max(0.0, cost.bytes - cache)


def _arithmetic(rates: Rates) -> float:
    """Operations per second at best, with the type of weights that is quickest here."""
    return max(rates.peak, *rates.devices[CPU].prefill.values())


def _step(tokens: float) -> str:
    return "token" if tokens == 1 else f"step of {tokens:.3g} tokens"
