"""From what is typed after `runner bench` to arms and tests: each model in each combination of the
values that are asked for."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.errors import ConfigurationError
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.bench.arms import Arm
    from runner.bench.workloads import Workload
    from runner.models import Located

SYNTHETIC, TEXTS = "synthetic", "texts"
BUDGET = 60.0
"""Seconds of measuring for each arm, where nothing else is asked for."""

ON_OFF = {
    "on": True, "off": False, "1": True, "0": False, "true": True, "false": False,
    "enabled": True, "disabled": False,
}  # fmt: skip
FLASH = {"auto": "auto", "-1": "auto"} | {
    word: "on" if is_on else "off" for word, is_on in ON_OFF.items()
}
WORDS = {
    "threads": "threads",
    "threads_batch": "batch threads",
    "batch": "batch",
    "micro_batch": "micro-batch",
    "kv": "KV",
    "flash_attention": "flash attention",
    "gpu_layers": "GPU layers",
    "ctx": "context",
    "mmap": "mmap",
    "repack": "repack",
    "speculate": "speculation",
}
"""What a value is called in an arm's name."""


def axes(texts: Mapping[str, Sequence[str] | None]) -> dict[str, list[Any]]:
    """The values of each option that was given a list. Raises ConfigurationError."""
    from runner.bench import grid
    from runner.settings import KV_TYPES

    known: dict[str, Mapping[str, Any]] = {
        "kv": {kind: kind for kind in KV_TYPES},
        "flash_attention": FLASH,
        **dict.fromkeys(("mmap", "repack", "speculate"), ON_OFF),
    }
    return {
        name: grid.words(given, _flag(name), known[name])
        if name in known
        else grid.numbers(given, _flag(name))
        for name, given in texts.items()
    }


def _flag(name: str) -> str:
    from runner.settings import BY_NAME

    return BY_NAME[name].flag


def arms(
    located: "Sequence[Located]",
    values: Mapping[str, Sequence[Any]],
    settings: Callable[[Mapping[str, Any]], Settings],
) -> "list[Arm]":
    """Each model with each combination. `settings` makes those of one combination. Names say what
    differs. Raises ConfigurationError where a value cannot be."""
    from runner.bench.arms import Arm
    from runner.bench.grid import combinations

    made = []
    for one, name in zip(located, _names(located), strict=True):
        for combination in combinations(values):
            differing = [
                f"{WORDS[option]} {_word(value)}"
                for option, value in combination.items()
                if len(values[option]) > 1
            ]
            made.append(Arm(", ".join([name, *differing]), one, settings(combination)))
    return made


def _names(located: "Sequence[Located]") -> list[str]:
    """What tells the models apart, and where two are the same one, a number."""
    names = [" ".join(filter(None, (one.name, one.quantization))) for one in located]
    return [
        f"{name} #{names[: place + 1].count(name)}" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def _word(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def tests(
    prompts: Sequence[str] | None,
    replies: Sequence[str] | None,
    both: Sequence[str] | None,
    depths: Sequence[str] | None,
    workload: Sequence[str] | None,
    *,
    sampled: bool,
) -> "list[Workload]":
    """What is to be measured. Lengths that are asked for stand alone; texts come with them only
    where they are asked for too. Raises ConfigurationError where nothing is left."""
    from runner.bench import grid, workloads

    known = {name: (name,) for name in (SYNTHETIC, *workloads.TEXTS)} | {TEXTS: workloads.TEXTS}
    lengths = bool(prompts or replies or both)
    wished = [one for some in grid.words(workload, "--workload", known) for one in some]
    if not wished:
        wished = [SYNTHETIC] if lengths or depths else [SYNTHETIC, "chat"]
    found: list[Workload] = []
    if depths and SYNTHETIC not in wished and not lengths:
        raise ConfigurationError(
            "-d is for random tokens: texts are read from the beginning",
            remedy=f"Leave it out, or add {SYNTHETIC} to -w.",
        )
    if SYNTHETIC in wished or lengths:
        read, decoded = grid.numbers(prompts, "-p"), grid.numbers(replies, "-n")
        found += workloads.synthetic(
            read if lengths else (512,),
            decoded if lengths else (128,),
            grid.pairs(both, "-pg"),
            grid.numbers(depths, "-d") or (0,),
            sampled=sampled,
        )
    found += workloads.texts([one for one in dict.fromkeys(wished) if one != SYNTHETIC])
    if not found or any(min(t.prompt_tokens, t.reply_tokens, t.depth) < 0 for t in found):
        raise ConfigurationError("there is nothing to measure", remedy="Try -p 512 -n 128.")
    if sampled and not any(one.sampled or one.text for one in found):
        raise ConfigurationError("--sampled has no reply to sample", remedy="Add -n 128.")
    return found


def budget(text: str | None, repeat: int | None, arms: int) -> float:
    """The seconds that a measurement may take. Raises ConfigurationError for what is no time."""
    if text is None:
        return math.inf if repeat else BUDGET * arms
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip().lower())
    if match is None or not float(match[1]):
        raise ConfigurationError(f"--time {text} is no time", remedy="Such as 90, 10m or 1h.")
    return float(match[1]) * {"h": 3600, "m": 60, "min": 60}.get(match[2] or "s", 1)
