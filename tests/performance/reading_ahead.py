"""How soon a reply begins where its prompt was read before it was sent.

    python -m tests.performance.reading_ahead MODEL.gguf [--repeat 3]

Two cases, each with reading ahead and without, by turns. The next turn of a chat with a model that
reasons: the last reply was reasoning and an answer, and the next prompt has the answer without the
reasoning, so that the cache no longer matches; the person reads for long enough, then asks a short
question. And a pasted text, which is sent when it has been read. What remains to be done is one
decode step and what only the new prompt holds (the question, and what opens the reply): that is
measured beside it, on a prompt of which all else is in the cache, as the least it can be.
"""

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path

from runner.engine.model import Model
from runner.engine.options import Options
from runner.fit import Placement
from tests.performance.interleaved import note, pairs, show

HISTORY, REASONING, QUESTION, OPENING = 500, 100, 24, 3
"""Tokens of a conversation before its last reply, of that reply's reasoning, of a question, and of
what the template puts before a reply."""

PASTED = 2000


def answer(model: Model, prompt: list[int], reply: list[int]) -> float:
    """Seconds to the first token of a reply that is made to be `reply`."""
    options = Options(replay=tuple(reply), ignore_end=True, private=True)
    stream = model.generate(prompt, options)
    for _ in stream:
        pass
    return stream.finish.timings.first_token_seconds


def read(model: Model, tokens: list[int]) -> None:
    """Say that these are likely to come, and wait until they were read."""
    model.expect(tokens)
    while model.reading_ahead:
        time.sleep(0.01)
    time.sleep(0.1)  # the last part may still be computed


def next_turn(model: Model, draw: Callable[[int], list[int]], length: int, count: int) -> None:
    def turn(ahead: bool) -> float:
        history, said = draw(HISTORY), draw(length)
        answer(model, history, draw(REASONING) + said)
        if ahead:
            read(model, history + said)
        return answer(model, history + said + draw(QUESTION + OPENING), draw(1))

    def least(_: int) -> float:
        history = draw(HISTORY + length)
        answer(model, history, draw(1))
        return answer(model, history + draw(QUESTION + OPENING), draw(1))

    title = f"the next turn, after an answer of {length} tokens"
    compare(title, least, turn, count)


def pasted(model: Model, draw: Callable[[int], list[int]], count: int) -> None:
    def paste(ahead: bool) -> float:
        text = draw(PASTED)
        if ahead:
            read(model, text)
        return answer(model, text + draw(OPENING), draw(1))

    def least(_: int) -> float:
        text = draw(PASTED)
        answer(model, text, draw(1))
        return answer(model, text + draw(OPENING), draw(1))

    compare(f"a pasted text of {PASTED} tokens", least, paste, count)


def compare(
    title: str, least: Callable[[int], float], measure: Callable[[bool], float], count: int
) -> None:
    sides = {"read ahead": lambda _: measure(True), "without": lambda _: measure(False)}
    show(title, "s to the first token", pairs(sides, count))
    floor = pairs({"the least": least, "read ahead": sides["read ahead"]}, count)
    show(f"{title}, against the least it can be", "s", floor)
    excess = sorted(1000 * (pair["read ahead"] - pair["the least"]) for pair in floor)
    middle = f"{excess[len(excess) // 2]:.0f} ms"
    print(f"  above the least: {middle}; asked: at most 50 ms\n")
    note(f"{title}: above the least", middle, f"to {excess[-1]:.0f} ms", "at most 50 ms")


def main() -> None:
    from runner.machine import processors

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=processors().usable)
    parser.add_argument("--gpu-layers", type=int, default=0, help="-1 is all")
    options = parser.parse_args()
    placement = Placement(8192, options.gpu_layers, None, options.threads, "f16")
    rng = random.Random(1)
    with Model.open(options.model, placement) as model:

        def draw(count: int) -> list[int]:
            return [rng.randrange(model.vocabulary.size) for _ in range(count)]

        for length in (50, 400):
            next_turn(model, draw, length, options.repeat)
        pasted(model, draw, options.repeat)


if __name__ == "__main__":
    main()
