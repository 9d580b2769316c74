"""Replies long enough to be stopped on their way, whatever the shipped model has learnt."""

from dataclasses import replace

from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.models import Ready
from runner.prompt import Prompt

UNIFORM = Sampling(temperature=1e6, top_k=0, top_p=1, min_p=0)
"""Every token as likely as any other."""

LENGTH = 600  # tokens


def endless(ready: Ready) -> Sampling:
    """Uniform draws with a seed that does not meet the token that ends a reply for `LENGTH`."""
    for seed in range(100):
        sampling = replace(UNIFORM, seed=seed)
        stream = ready.model.generate(
            Prompt.raw("on"), Options(sampling=sampling, max_tokens=LENGTH)
        )
        if stream.drain().reason == "length":
            return sampling
    raise AssertionError("no seed of a hundred makes a long reply")
