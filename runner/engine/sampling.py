"""How the next token is chosen, and the chain of llama.cpp's samplers that chooses so."""

import random
from dataclasses import dataclass

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
    `top_n_sigma` 0 switch those filters off; a `seed` of None draws one."""

    temperature: float = 0.8
    temperature_range: float = 0.0
    """How far the temperature moves with the entropy of the candidates (dynamic temperature)."""
    temperature_exponent: float = 1.0
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
    penalty_tokens: int = 64
    """How many of the latest tokens the penalties look at."""
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_tokens: int = 4096
    """How many of the latest tokens DRY looks at. (llama.cpp takes no -1 for "all": it then does
    nothing.)"""
    dry_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    mirostat: int = 0
    """1 or 2: the version that replaces the filters."""
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    adaptive_target: float | None = None
    """The probability that drawn tokens are steered towards; replaces the plain draw."""
    adaptive_decay: float = 0.9
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Tokens with what is added to their logits."""
    order: tuple[str, ...] = ORDER
    seed: int | None = None


def seed_of(sampling: Sampling) -> int:
    """The seed, drawn where none is given. 2³² − 1 asks llama.cpp for one of its own, which would
    not be known."""
    return random.randrange(2**32 - 1) if sampling.seed is None else sampling.seed


def looks_back(sampling: Sampling) -> int:
    """How many of the latest tokens, the prompt's included, the chain is to be told of."""
    penalties = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
    of_penalties = sampling.penalty_tokens if penalties != (1.0, 0.0, 0.0) else 0
    of_dry = sampling.dry_tokens if sampling.dry_multiplier > 0 else 0
    return max(of_penalties, of_dry)


def chain(sampling: Sampling, seed: int, vocabulary: Vocabulary) -> LlamaSampler:
    """The samplers that do what `sampling` says. Close it after use."""
    built = LlamaSampler()
    if sampling.logit_bias:
        built.logit_bias(vocabulary.size, dict(sampling.logit_bias))
    for step in sampling.order:
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
            built.penalties(vocabulary.size, of.penalty_tokens, *penalties)
        case "dry" if of.dry_multiplier > 0:
            built.dry(
                vocabulary,
                of.dry_multiplier,
                of.dry_base,
                of.dry_allowed_length,
                of.dry_tokens,
                of.dry_breakers,
            )
        case _ if of.temperature <= 0:
            return  # the likeliest token survives every filter
        case "temperature":
            built.temperature(of.temperature, of.temperature_range, of.temperature_exponent)
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
