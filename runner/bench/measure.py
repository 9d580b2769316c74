"""Run workloads again and again, in turn, and keep every sample."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.bench.statistics import Statistics, summarize
from runner.bench.workloads import Workload
from runner.engine.events import Timings
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import RunnerError

WARM_UPS = 1
"""Rounds that are run in full and not counted: they page the weights in, fill caches and let the
processor find its speed."""

GREEDY = Sampling(temperature=0.0, seed=0)

Progress = Callable[[Workload, int, int], None]
"""Called before each run with its workload, its number from 1, and the number of runs in all."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. `began` is in seconds since the first run that counts, so that a machine that slows
    down over time shows."""

    began: float
    timings: Timings


@dataclass(frozen=True, slots=True)
class Result:
    """Every sample of a workload, in the order they were taken."""

    workload: Workload
    samples: tuple[Sample, ...]

    @property
    def rates(self) -> list[float]:
        """Tokens/s of each sample."""
        return [self.workload.rate(sample.timings) for sample in self.samples]

    @property
    def statistics(self) -> Statistics:
        """Of the rates, in tokens/s."""
        return summarize(self.rates)

    @property
    def first_token(self) -> Statistics:
        """Of the time from the request to the first token (TTFT), in seconds."""
        return summarize([sample.timings.first_token_seconds for sample in self.samples])


def measure(
    model: Model, workloads: Sequence[Workload], repeat: int, progress: Progress | None = None
) -> tuple[Result, ...]:
    """Run each workload `repeat` times after the warm-up.

    The workloads take turns, so that what disturbs the machine for a while disturbs all of them.
    """
    samples: dict[Workload, list[Sample]] = {workload: [] for workload in workloads}
    runs, began = 0, time.perf_counter()
    for repetition in range(-WARM_UPS, repeat):
        if repetition == 0:
            began = time.perf_counter()
        for workload in workloads:
            runs += 1
            if progress is not None:
                progress(workload, runs, (WARM_UPS + repeat) * len(workloads))
            start = time.perf_counter() - began
            timings = _run(model, workload, seed=repetition)
            if repetition >= 0:
                samples[workload].append(Sample(start, timings))
    return tuple(Result(workload, tuple(taken)) for workload, taken in samples.items())


def _run(model: Model, workload: Workload, seed: int) -> Timings:
    prompt = workload.prompt(model.vocabulary, seed)
    options = Options(
        sampling=GREEDY,
        max_tokens=workload.reply_tokens,
        ignore_end=True,
        reuse=False,
        private=True,
    )
    with model.generate(prompt, options) as stream:
        timings = stream.drain().timings
    if timings.reused_tokens or timings.reply_tokens != workload.reply_tokens:
        raise RunnerError(
            f"{workload.name} is void: {timings.reused_tokens} tokens of its prompt were still in "
            f"the cache, and its reply has {timings.reply_tokens} of {workload.reply_tokens} tokens"
        )
    return timings
