"""Small models with random weights of every kind of cache, and how their replies are compared."""

from pathlib import Path
from typing import NamedTuple

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.engine.stream import Stream

KINDS = ["qwen3-dense", "gemma3-dense", "gpt-oss-moe", "lfm2-dense", "qwen35-dense",
         "mamba2-dense", "nemotron_h-dense", "deepseek2-moe"]  # fmt: skip

ROUNDING = 2e-4
"""Of a log-probability. 0.00003 was seen between batches of different shapes, and 0.003 between
the two likeliest tokens where they were closest."""


class Said(NamedTuple):
    """A greedy reply: its tokens, how far the second likeliest was behind each, in
    log-probability, and how many tokens of the prompt were reused."""

    tokens: list[int]
    margins: list[float]
    reused: int


def folder(shared: Path) -> Path:
    return shared / "models" / "archs"


def path_of(shared: Path, kind: str) -> Path:
    return folder(shared) / f"{kind}.gguf"


def ask(model: Model, tokens: list[int], **options: object) -> Stream:
    chosen: dict[str, object] = {"max_tokens": 12, "ignore_end": True, "logprobs": 2}
    return model.generate(
        tokens,
        Options(sampling=Sampling(temperature=0), **(chosen | options)),  # type: ignore[arg-type]
    )


def said(stream: Stream) -> Said:
    tokens: list[int] = []
    margins: list[float] = []
    for event in stream:
        tokens += event.tokens
        for one in event.logprobs:
            (_, first), (_, second) = one.likeliest
            margins.append(first - second)
    return Said(tokens, margins, stream.finish.timings.reused_tokens)


def reply(model: Model, tokens: list[int], **options: object) -> Said:
    return said(ask(model, tokens, **options))


def assert_alike(one: Said, other: Said, *, at_least: int = 6) -> None:
    """The same tokens, up to the first that rounding may decide; a comparison of fewer than
    `at_least` would say nothing."""
    ties = [place for place, margin in enumerate(one.margins) if margin < ROUNDING]
    length = min(ties, default=len(one.tokens))
    assert length >= at_least
    assert one.tokens[:length] == other.tokens[:length]
