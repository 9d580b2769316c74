"""What limits a model here, and the one change that would help most: computed, not canned."""

import statistics
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runner.bench.ceiling import cost_of, devices_beside, main_rate, middle
from runner.bench.record import Advice, Record, Test
from runner.fit.work import BITS, work_of
from runner.gguf import Header
from runner.models.tuned import words_of

LOADED = 0.05
FOUR_BIT = 4.85
"""Bits a weight of Q4_K_M, the usual choice that costs little accuracy."""

NOTICED = 1.05
"""A gain that is worth a sentence."""

SMALL = 16 * 2**20
"""Bytes of a model whose threads would wait for each other as long as they compute."""

REACHED = 0.6
"""Of the ceiling, from which on that is what limits a test."""

Options = Mapping[str, Any]
NONE: Options = MappingProxyType({})


def advice(record: Record, header: Header, tuned: Options = NONE) -> Advice | None:
    """About the decode at the greatest depth, else the first test with a rate; None without.

    `tuned` are the options that `runner tune` found to be quickest for the model here.
    """
    rated = [test for test in record.tests if main_rate(test) is not None]
    decodes = [test for test in rated if test.kind == "decode"]
    test = max(decodes, key=lambda one: one.depth, default=rated[0] if rated else None)
    if test is None:
        return None
    configuration = record.configuration
    in_force = {n: v for n, v in tuned.items() if getattr(configuration, n, None) == v}
    gain, words = max(_gains(record, test, header, in_force), default=(1.0, ""))
    return Advice(
        _limit(record, test), words if gain >= NOTICED else _otherwise(record, test, in_force)
    )


def _otherwise(record: Record, test: Test, tuned: Options) -> str:
    """Where no change is known that would help much."""
    if tuned:
        return (
            f"`runner tune` has found what is quickest here ({words_of(tuned)}), and nothing else "
            "that is known would change much."
        )
    if _reached(test) and test.ceiling and test.ceiling.limited_by == "arithmetic":
        return "Only a smaller model would change much, or a device that computes faster."
    if _reached(test):
        return "Nothing that is known here would change much; `runner tune` tries the rest."
    return f"`runner tune {record.model.name}` tries threads, batches and the rest."


def _reached(test: Test) -> bool:
    return test.ceiling is not None and test.ceiling.share >= REACHED


def _limit(record: Record, test: Test) -> str:
    if test.ceiling is None:
        other = devices_beside(record.configuration)
        why = (
            f"what {', '.join(other)} could reach is not known"
            if other
            else "this machine was not measured (`runner fit --measure` does it)"
        )
        return f"What limits {test.name} cannot be told: {why}."
    what = "memory bandwidth" if test.ceiling.limited_by == "memory" else "arithmetic"
    reached = f"{test.name} reaches {test.ceiling.share:.0%} of what {what} allows here"
    return f"{reached}: {what} is the limit." if _reached(test) else (
        f"{reached}: something else limits it, such as waiting of threads or other programs."
    )  # fmt: skip


def _gains(record: Record, test: Test, header: Header, tuned: Options) -> list[tuple[float, str]]:
    """How many times as fast each change would make it, at a guess, with its sentence; but nothing
    against what was `tuned`."""
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
    option = "threads" if test.kind != "prefill" else "threads_batch"
    used = getattr(configuration, option)
    few = used < machine.usable_threads and record.model.bytes > SMALL
    if few and option not in tuned:
        most = machine.usable_threads / used
        found.append((min(most, 1 / share) if test.kind != "prefill" else most,
                      f"Use {machine.usable_threads} threads instead of {used}."))  # fmt: skip
    if machine.devices and not configuration.gpu_layers and "gpu_layers" not in tuned:
        found.append((3.0, f"Put layers on {machine.devices[0]} (--gpu-layers -1)."))
    of_memory = test.ceiling is None or (test.ceiling.limited_by == "memory" and _reached(test))
    if test.kind != "prefill" and of_memory:
        found += [
            (gain, words)
            for option, gain, words in _fewer_bytes(record, test, header, share)
            if option not in tuned
        ]
    return found


def _fewer_bytes(
    record: Record, test: Test, header: Header, share: float
) -> list[tuple[str, float, str]]:
    """By reading less for each token; only the part of the time that memory takes becomes less.
    With the option that does it."""
    found = []
    kv, cost = record.configuration.kv, cost_of(header, record.configuration.kv, depth=middle(test))
    weights = sum(matrix.operations for matrix in work_of(header).matrices) / 2
    bits = 8 * cost.weights / weights if weights else 0.0

    def gain(saved: float) -> float:
        return 1 / (1 - share * min(saved / cost.bytes, 0.9))

    if bits > FOUR_BIT + 1:
        saved = cost.weights * (1 - FOUR_BIT / bits)
        found.append(("", gain(saved), f"Take a smaller quantization, such as Q4_K_M: this one has "
                                   f"{bits:.1f} bits a weight."))  # fmt: skip
    if kv in ("f32", "f16", "bf16") and record.configuration.flash_attention != "off":
        width = 32 if kv == "f32" else 16
        saved = cost.cache * (1 - BITS["Q8_0"] / width)
        found.append(("kv", gain(saved), f"Use --kv q8_0: at this depth the cache is "
                                   f"{cost.cache / cost.bytes:.0%} of what is read."))  # fmt: skip
    return found
