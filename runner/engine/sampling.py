"""How the next token is chosen, and the chain of llama.cpp's samplers that chooses so."""

import math
import random
from dataclasses import dataclass, replace
from typing import Self

from runner.errors import ConfigurationError
from runner.llama.sampler import LlamaSampler
from runner.llama.vocabulary import Vocabulary

ORDER = (
    "penalties",
    "dry",
    "top_n_sigma",
    "top_k",
    "typical_p",
    "top_p",
    "min_p",
    "xtc",
    "temperature",
)
"""The order in which filters act, which is llama.cpp's own."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Temperature 0 takes the likeliest token; `top_k` 0, `top_p` 1, `min_p` 0, `typical_p` 1 and
    `top_n_sigma` 0 switch those filters off; a `seed` of None draws one. The windows of penalties
    and DRY are in tokens, the prompt's included; 0 looks at none, -1 at the whole context."""

    temperature: float = 0.8
    dynatemp_range: float = 0.0
    """How far the temperature moves with the entropy of the candidates (dynamic temperature)."""
    dynatemp_exp: float = 1.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    top_n_sigma: float = 0.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repeat_last_n: int = 64
    """How many of the latest tokens the penalties look at."""
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = 4096
    """How many of the latest tokens DRY looks at."""
    dry_sequence_breaker: tuple[str, ...] = ("\n", ":", '"', "*")
    """Texts past which no repetition is looked for."""
    mirostat: int = 0
    """1 or 2: the version that replaces the filters."""
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    adaptive_target: float | None = None
    """The probability that drawn tokens are steered towards; replaces the plain draw."""
    adaptive_decay: float = 0.9
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Tokens with what is added to their logits."""
    samplers: tuple[str, ...] = ORDER
    """The order in which the filters act; those left out do nothing."""
    seed: int | None = None

    def within(self, context: int) -> Self:
        """The same with windows that a context of so many tokens can fill. (llama.cpp takes no -1,
        and allocates a window whole.)"""

        def clamped(tokens: int) -> int:
            return context if tokens < 0 else min(tokens, context)

        return replace(
            self,
            repeat_last_n=clamped(self.repeat_last_n),
            dry_penalty_last_n=clamped(self.dry_penalty_last_n),
        )

    def check(self, vocabulary_size: int) -> None:
        """Raises ConfigurationError for what llama.cpp would silently take otherwise."""
        for name in self.samplers:
            if name not in ORDER:
                raise ConfigurationError(
                    f"there is no sampler {name!r}", remedy=f"There are {', '.join(ORDER)}."
                )
        for token, _ in self.logit_bias:
            if not 0 <= token < vocabulary_size:
                raise ConfigurationError(
                    f"the logit bias is for token {token}, which is not in the vocabulary",
                    remedy=f"This model's tokens are numbered from 0 to {vocabulary_size - 1}.",
                )
        if not self.repeat_penalty > 0:
            raise ConfigurationError(
                f"the repeat penalty is {self.repeat_penalty:g}; it must be more than 0"
            )


SEEDS = 2**32 - 1
"""How many there are. This number itself asks llama.cpp for one of its own, which would not be
known."""


def seed_of(sampling: Sampling) -> int:
    """The seed, drawn where none is given."""
    return random.randrange(SEEDS) if sampling.seed is None else sampling.seed


def looks_back(sampling: Sampling) -> int:
    """How many of the latest tokens, the prompt's included, the chain is to be told of."""
    penalties = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
    of_penalties = sampling.repeat_last_n if penalties != (1.0, 0.0, 0.0) else 0
    of_dry = sampling.dry_penalty_last_n if sampling.dry_multiplier > 0 else 0
    return max(of_penalties, of_dry)


def chain(sampling: Sampling, seed: int, vocabulary: Vocabulary) -> LlamaSampler:
    """The samplers that do what `sampling` says. Close it after use."""
    built = LlamaSampler()
    bias = dict(sampling.logit_bias) | dict.fromkeys(vocabulary.suppressed, -math.inf)
    if bias:
        built.logit_bias(vocabulary.size, bias)
    for step in sampling.samplers:
        _add(built, step, sampling, seed, vocabulary)
    if sampling.temperature <= 0:
        built.greedy()
    elif sampling.mirostat == 1:
        built.mirostat(vocabulary.size, seed, sampling.mirostat_tau, sampling.mirostat_eta)
    elif sampling.mirostat == 2:
        built.mirostat_v2(seed, sampling.mirostat_tau, sampling.mirostat_eta)
    elif sampling.adaptive_target is not None:
        built.adaptive_p(sampling.adaptive_target, sampling.adaptive_decay, seed)
    else:
        built.draw(seed)
    return built


def _add(built: LlamaSampler, step: str, of: Sampling, seed: int, vocabulary: Vocabulary) -> None:
    """Add one step of the order, unless it is switched off."""
    penalties = (of.repeat_penalty, of.frequency_penalty, of.presence_penalty)
    match step:
        case "penalties" if penalties != (1.0, 0.0, 0.0):
            built.penalties(vocabulary.size, of.repeat_last_n, *penalties)
        case "dry" if of.dry_multiplier > 0:
            built.dry(
                vocabulary,
                of.dry_multiplier,
                of.dry_base,
                of.dry_allowed_length,
                of.dry_penalty_last_n,
                of.dry_sequence_breaker,
            )
        case _ if of.temperature <= 0:
            return  # the likeliest token survives every filter
        case "temperature":
            built.temperature(of.temperature, of.dynatemp_range, of.dynatemp_exp)
        case _ if of.mirostat:
            return  # it replaces the filters
        case "top_n_sigma" if of.top_n_sigma > 0:
            built.top_n_sigma(of.top_n_sigma)
        case "top_k" if of.top_k > 0:
            built.top_k(of.top_k)
        case "typical_p" if of.typical_p < 1:
            built.typical(of.typical_p)
        case "top_p" if of.top_p < 1:
            built.top_p(of.top_p)
        case "min_p" if of.min_p > 0:
            built.min_p(of.min_p)
        case "xtc" if of.xtc_probability > 0:
            built.xtc(of.xtc_probability, of.xtc_threshold, seed)
