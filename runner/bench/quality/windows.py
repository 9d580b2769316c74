"""A text cut into windows, of each of which the second half is scored.

As llama.cpp's own program does it, so that figures can be held beside published ones: what is left
at the end is not used, and each window's first token gives way to the one that begins a text, where
the vocabulary wants one.
"""

from runner.bench.quality.task import Asked, Task
from runner.errors import ConfigurationError
from runner.llama.vocabulary import Vocabulary

LEAST = 4
"""Tokens of a window; in a shorter one nothing would be predicted."""


def check(asked: Asked) -> None:
    """Raises ConfigurationError for a window that is none."""
    if asked.window < LEAST:
        raise ConfigurationError(
            f"a window of {asked.window} tokens leaves nothing to score",
            remedy=f"Choose {LEAST} tokens or more; 512 is usual.",
        )


def cut(task: Task, vocabulary: Vocabulary, asked: Asked) -> list[list[int]]:
    """The windows of the task's text, the first `limit` of them, each of `asked.window` tokens.

    Raises ConfigurationError where the text has not enough for two, which an error needs.
    """
    tokens = vocabulary.encode(task.text, marks=False)
    if vocabulary.add_bos:
        tokens.insert(0, vocabulary.bos)
    size = asked.window
    if len(tokens) < 2 * size:
        raise ConfigurationError(
            f"{task.name} has {len(tokens)} tokens in this vocabulary, too few for two windows of "
            f"{size}",
            remedy="Choose a longer text or a smaller window.",
        )
    windows = [tokens[start : start + size] for start in range(0, len(tokens) - size + 1, size)]
    if vocabulary.add_bos:
        for window in windows:
            window[0] = vocabulary.bos
    return windows[: asked.limit]


def first_of(window: list[int]) -> int:
    """The first token whose successor is scored; the last has none."""
    return len(window) // 2
