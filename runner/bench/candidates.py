"""What `runner tune` tries for a model: the options with what holds by default, the changes to try,
and the tests that a change makes a difference to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.bench.workloads import Workload, synthetic, texts
from runner.models import Located
from runner.settings import Settings

Options = Mapping[str, Any]

WIDE = ("f32", "f16", "bf16")
"""KV types that do without flash attention."""

DEPTH = 512
"""Tokens in the context that attention has to look back at, where it is what is tried."""

SPOKEN = texts(("code",), reply_tokens=48)
"""Guesses are right or wrong about real text only."""


def base_of(located: Located, settings: Settings) -> dict[str, Any]:
    """What holds for the model where nobody tuned it, with every option said: an earlier tuning
    must not slip in where nothing is. Raises what placing raises."""
    from runner.fit import place
    from runner.models.wishes import wishes_of

    placed = place(located.path, wishes_of(settings))
    base: dict[str, Any] = {
        "threads": placed.threads,
        "threads_batch": placed.threads_batch,
        "batch": placed.batch,
        "micro_batch": placed.micro_batch,
        "flash_attention": placed.flash_attention,
        "kv": placed.kv_type,
        "mmap": placed.mmap,
        "repack": placed.repack,
        "speculate": bool(settings.speculate),
    }
    if placed.devices:
        base["gpu_layers"] = placed.gpu_layers
    return base


def candidates(base: Options, *, logical: int, layers: int, allow_kv: bool) -> list[Options]:
    """What to try, the likeliest gains first, for there may not be time for all: threads, layers on
    the GPU, flash attention, speculation, batches, repacking, mapping; KV types only where allowed:
    they change answers."""
    found: list[Options] = [{"threads": n} for n in _thread_counts(int(base["threads"]), logical)]
    found += [{"threads_batch": n} for n in _thread_counts(int(base["threads_batch"]), logical)]
    if "gpu_layers" in base:
        found += [{"gpu_layers": n} for n in _layer_counts(int(base["gpu_layers"]), layers + 1)]
    if base["kv"] in WIDE:  # the others need it
        found.append({"flash_attention": "off"})
    found.append({"speculate": not base["speculate"]})
    found += [{"micro_batch": n, "batch": max(512, n)} for n in (256, 1024, 128, 2048)]
    found += [{"repack": not base["repack"]}, {"mmap": not base["mmap"]}]
    if allow_kv:
        # A quantized cache needs flash attention, which may have been switched off before.
        found += [{"kv": kind, "flash_attention": "auto"} for kind in ("q8_0", "bf16")]
    return found


def _thread_counts(now: int, logical: int) -> Iterator[int]:
    """A core left to others, half, and every logical processor."""
    wanted = dict.fromkeys((now - 1, now // 2, logical))
    return (count for count in wanted if count > 0 and count != now)


def _layer_counts(now: int, every: int) -> Iterator[int]:
    """All, half and none, but what is now; -1 is all of them, the output included."""
    wanted = dict.fromkeys((every, every // 2, 0))
    return (count for count in wanted if count != (every if now < 0 else now))


def workloads_of(
    options: Options, base: Options, usual: Sequence[Workload], room: int
) -> Sequence[Workload]:
    """The tests that these options make a difference to: most to the `usual` ones. `room` are the
    tokens that the context may hold."""
    if "speculate" in options:
        return SPOKEN
    if "micro_batch" in options:
        return synthetic(prompts=(max(options["micro_batch"], base["micro_batch"]),))
    if "flash_attention" in options:
        depth = min(DEPTH, room // 2)
        read = [one.prompt_tokens for one in usual if one.kind == "prefill"]
        decoded = [one.reply_tokens for one in usual if one.kind == "decode"]
        return synthetic(read, decoded, depths=(depth,)) or usual
    if "threads_batch" in options:
        return [one for one in usual if one.kind == "prefill"] or usual
    return usual
