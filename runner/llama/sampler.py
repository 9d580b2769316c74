"""A chain of llama.cpp's samplers, all in C: from the logits after a token to the next token."""

import ctypes
from collections.abc import Iterable, Mapping
from typing import Any

from runner.errors import RunnerError
from runner.llama.candidates import Candidates
from runner.llama.context import LlamaContext
from runner.llama.grammar import Grammar
from runner.llama.library import llama_cpp
from runner.llama.vocabulary import Vocabulary

KEEP = 1
"""Candidates that a filter leaves at least."""


class LlamaSampler:
    """A chain to which samplers are added in the order in which they are to act."""

    def __init__(self) -> None:
        parameters = llama_cpp.llama_sampler_chain_default_params()
        self._chain = llama_cpp.llama_sampler_chain_init(parameters)
        self._likeliest = False  # whether it does no more than to take the greatest logit

    def _add(self, sampler: Any) -> None:
        llama_cpp.llama_sampler_chain_add(self._chain, sampler)
        self._likeliest = False

    def logit_bias(self, vocabulary_size: int, bias: Mapping[int, float]) -> None:
        pairs = (llama_cpp.llama_logit_bias * len(bias))(*bias.items())
        self._add(llama_cpp.llama_sampler_init_logit_bias(vocabulary_size, len(bias), pairs))

    def penalties(
        self, vocabulary_size: int, tokens: int, repeat: float, frequency: float, presence: float
    ) -> None:
        self._add(
            llama_cpp.llama_sampler_init_penalties(
                vocabulary_size, tokens, repeat, frequency, presence
            )
        )

    def dry(
        self,
        vocabulary: Vocabulary,
        multiplier: float,
        base: float,
        allowed_length: int,
        tokens: int,
        breakers: Iterable[str],
    ) -> None:
        encoded = [breaker.encode() for breaker in breakers]
        strings = (ctypes.c_char_p * len(encoded))(*encoded)
        self._add(
            llama_cpp.llama_sampler_init_dry(
                vocabulary.pointer, multiplier, base, allowed_length, tokens, strings, len(encoded)
            )
        )

    def top_n_sigma(self, n: float) -> None:
        self._add(llama_cpp.llama_sampler_init_top_n_sigma(n))

    def top_k(self, k: int) -> None:
        self._add(llama_cpp.llama_sampler_init_top_k(k))

    def typical(self, p: float) -> None:
        self._add(llama_cpp.llama_sampler_init_typical(p, KEEP))

    def top_p(self, p: float) -> None:
        self._add(llama_cpp.llama_sampler_init_top_p(p, KEEP))

    def min_p(self, p: float) -> None:
        self._add(llama_cpp.llama_sampler_init_min_p(p, KEEP))

    def xtc(self, probability: float, threshold: float, seed: int) -> None:
        self._add(llama_cpp.llama_sampler_init_xtc(probability, threshold, KEEP, seed))

    def temperature(self, temperature: float, spread: float = 0.0, exponent: float = 1.0) -> None:
        self._add(llama_cpp.llama_sampler_init_temp_ext(temperature, spread, exponent))

    def greedy(self) -> None:
        alone = not llama_cpp.llama_sampler_chain_n(self._chain)
        self._add(llama_cpp.llama_sampler_init_greedy())
        self._likeliest = alone

    def draw(self, seed: int) -> None:
        self._add(llama_cpp.llama_sampler_init_dist(seed))

    def mirostat(self, vocabulary_size: int, seed: int, tau: float, eta: float) -> None:
        # m = 100 candidates, as in the paper (arXiv 2007.14966).
        self._add(llama_cpp.llama_sampler_init_mirostat(vocabulary_size, seed, tau, eta, 100))

    def mirostat_v2(self, seed: int, tau: float, eta: float) -> None:
        self._add(llama_cpp.llama_sampler_init_mirostat_v2(seed, tau, eta))

    def adaptive_p(self, target: float, decay: float, seed: int) -> None:
        self._add(llama_cpp.llama_sampler_init_adaptive_p(target, decay, seed))

    def accept(self, token: int) -> None:
        """Remember a token that was not drawn here."""
        llama_cpp.llama_sampler_accept(self._chain, token)

    def sample(self, context: LlamaContext, row: int) -> int:
        """The token after that of a batch's `row`, decoded with logits; the chain remembers it."""
        if self._likeliest:
            return _greatest(context, row)
        return int(llama_cpp.llama_sampler_sample(self._chain, context.pointer, row))

    def propose(self, context: LlamaContext, row: int) -> int:
        """The same, but the chain does not remember it."""
        if self._likeliest:
            return _greatest(context, row)
        return self._choose(Candidates.all(context.logits(row)))

    def propose_within(self, grammar: Grammar, context: LlamaContext, row: int) -> int:
        """The same, of the tokens that `grammar` allows.

        Raises RunnerError where it allows none: a grammar may ask for what no token can say.
        """
        allowed = grammar.allowed(Candidates.all(context.logits(row)))
        return self._choose(allowed)

    def _choose(self, candidates: Candidates) -> int:
        if len(candidates):
            candidates.apply(self._chain)
            if (token := candidates.chosen) is not None:
                return token
        raise RunnerError(
            "no token may come next: the grammar, the logit bias and the samplers leave none",
            remedy="Let the grammar or the schema allow something else here, or the end.",
        )

    def close(self) -> None:
        if self._chain:
            llama_cpp.llama_sampler_free(self._chain)
            self._chain = None


def _greatest(context: LlamaContext, row: int) -> int:
    """The first of the tokens with the greatest logit, as llama.cpp's greedy sampler finds it; that
    one copies every logit into a candidate of 12 bytes first, which takes a hundredth of a token of
    a model of 1.5B with 151 936 words, and more where the model is quicker."""
    return int(context.logits(row).argmax())
