"""How fast llama.cpp computes a model of no meaning: seconds of a decode and of a prefill."""

import contextlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from runner.machine.synthetic import WORDS, Form, write_model

BATCH = 512
"""Tokens of a prompt that are read together, as the engine does."""

ENOUGH_SECONDS = 0.15
"""Time that a decode or a prefill is repeated for, within these numbers of repeats."""

LEAST_REPEATS, MOST_REPEATS = 3, 64


class Bench:
    """A model of that form, loaded as a real one is; `device` None is the CPU. Close it. `check` is
    called before each computation, and may raise to end it.

    Raises what LlamaModel and LlamaContext raise, and OSError where its file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        form: Form,
        *,
        device: str | None,
        threads: int,
        context: int = 2 * BATCH,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        from runner.llama.context import Batch, LlamaContext
        from runner.llama.model import LlamaModel

        self._check = check
        path = folder / "synthetic.gguf"
        write_model(path, form)
        with contextlib.ExitStack() as undo:
            self._model = LlamaModel(
                path,
                gpu_layers=-1 if device else 0,
                devices=(device,) if device else (),
            )
            undo.callback(self._model.close)
            self._context = LlamaContext(
                self._model, context=context, batch=BATCH, threads=threads, outputs=BATCH
            )
            undo.pop_all()
        self._batch = Batch(BATCH)
        self._tokens = np.arange(BATCH) % WORDS
        self.length = 0

    def compute(self, count: int) -> float:
        """Seconds that the next `count` tokens take, with logits for each: without, the last
        layer would be computed for one of them only."""
        self._check()
        self._batch.clear()
        first = self._batch.add(self._tokens[:count].tolist(), self.length, 0, logits=count)
        started = time.perf_counter()
        self._context.decode(self._batch)
        self._context.logits(first)  # waits for a device
        self.length += count
        return time.perf_counter() - started

    def usual(self, count: int, depth: int = 0) -> float:
        """The median of that at that depth, repeated."""
        seconds: list[float] = []
        while len(seconds) < LEAST_REPEATS or (
            sum(seconds) < ENOUGH_SECONDS and len(seconds) < MOST_REPEATS
        ):
            self.return_to(depth)
            seconds.append(self.compute(count))
        return statistics.median(seconds)

    def best(self, count: int, repeats: int) -> float:
        """The least that it takes at the beginning, repeated so many times after a first one."""
        seconds: list[float] = []
        for _ in range(1 + repeats):
            self.return_to(0)
            seconds.append(self.compute(count))
        return min(seconds[1:])

    def return_to(self, depth: int) -> None:
        self._context.forget_from(0, depth)
        self.length = depth

    def close(self) -> None:
        self._context.close()
        self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
