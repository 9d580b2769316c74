"""What limits a model here, and the one change that would help most: computed, not canned."""

import statistics

from runner.bench.ceiling import cost_of, main_rate, middle
from runner.bench.record import Advice, Record, Test
from runner.fit.work import BITS, work_of
from runner.gguf import Header

LOADED = 0.05
FOUR_BIT = 4.85
"""Bits a weight of Q4_K_M, the usual choice that costs little accuracy."""

NOTICED = 1.05
"""A gain that is worth a sentence."""


def advice(record: Record, header: Header) -> Advice | None:
    """About the decode at the greatest depth, else the first test with a rate; None without."""
    rated = [test for test in record.tests if main_rate(test) is not None]
    decodes = [test for test in rated if test.kind == "decode"]
    test = max(decodes, key=lambda one: one.depth, default=rated[0] if rated else None)
    if test is None:
        return None
    gains = _gains(record, test, header)
    gain, words = max(gains, default=(1.0, ""))
    if gain < NOTICED:
        words = "Nothing that is known here would change much; `runner tune` tries the rest."
    return Advice(_limit(record, test), words)


def _limit(record: Record, test: Test) -> str:
    if test.ceiling is None:
        other = [name for name in record.configuration.devices if name != "CPU"]
        why = (
            f"no ceiling of {', '.join(other)} is known"
            if other
            else "this machine was not measured (`runner fit --measure` does it)"
        )
        return f"What limits {test.name} cannot be told: {why}."
    what = "memory bandwidth" if test.ceiling.limited_by == "memory" else "arithmetic"
    reached = f"{test.name} reaches {test.ceiling.share:.0%} of what {what} allows here"
    return f"{reached}: {what} is the limit." if test.ceiling.share >= 0.6 else (
        f"{reached}: something else limits it, such as waiting of threads or other programs."
    )  # fmt: skip


def _gains(record: Record, test: Test, header: Header) -> list[tuple[float, str]]:
    """How many times as fast each change would make it, at a guess, with its sentence."""
    found = []
    configuration, machine = record.configuration, record.machine
    share = min(test.ceiling.share, 1.0) if test.ceiling else 0.5
    loads = [s.conditions.other_cpu for s in test.samples if s.conditions.other_cpu is not None]
    others = statistics.median(loads) if loads else 0.0
    if others > LOADED:
        words = f"Close other programs: they take {others:.0%} of the processors."
        found.append((1 / (1 - min(others, 0.9)), words))
    if "BATTERY" in test.flags:
        found.append((1.3, "Plug the machine in: it runs on battery."))
    used = configuration.threads if test.kind != "prefill" else configuration.threads_batch
    if used < machine.usable_threads:
        most = machine.usable_threads / used
        found.append((min(most, 1 / share) if test.kind != "prefill" else most,
                      f"Use {machine.usable_threads} threads instead of {used}."))  # fmt: skip
    if machine.devices and not configuration.gpu_layers:
        found.append((3.0, f"Put layers on {machine.devices[0]} (--gpu-layers -1)."))
    if test.kind != "prefill":
        found += _fewer_bytes(record, test, header, share)
    return found


def _fewer_bytes(
    record: Record, test: Test, header: Header, share: float
) -> list[tuple[float, str]]:
    """By reading less for each token; only the part of the time that memory takes becomes less."""
    found = []
    kv, cost = record.configuration.kv, cost_of(header, record.configuration.kv, depth=middle(test))
    weights = sum(matrix.operations for matrix in work_of(header).matrices) / 2
    bits = 8 * cost.weights / weights if weights else 0.0

    def gain(saved: float) -> float:
        return 1 / (1 - share * min(saved / cost.bytes, 0.9))

    if bits > FOUR_BIT + 1:
        saved = cost.weights * (1 - FOUR_BIT / bits)
        found.append((gain(saved), f"Take a smaller quantization, such as Q4_K_M: this one has "
                                   f"{bits:.1f} bits a weight."))  # fmt: skip
    if kv in ("f32", "f16", "bf16") and record.configuration.flash_attention != "off":
        width = 32 if kv == "f32" else 16
        saved = cost.cache * (1 - BITS["Q8_0"] / width)
        found.append((gain(saved), f"Use --kv q8_0: at this depth the cache is "
                                   f"{cost.cache / cost.bytes:.0%} of what is read."))  # fmt: skip
    return found
