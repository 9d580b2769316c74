"""A chain of llama.cpp's samplers: from the logits of a decoded token to the next token."""

from typing import Any

from runner.llama.context import LlamaContext
from runner.llama.library import llama_cpp


class LlamaSampler:
    """Penalties, top-k, top-p, min-p, temperature, draw, in llama.cpp's own order, all in C.

    Temperature 0 takes the likeliest token and draws nothing.
    """

    def __init__(
        self,
        *,
        vocabulary_size: int,
        temperature: float,
        top_k: int,
        top_p: float,
        min_p: float,
        seed: int,
        repeat_penalty: float,
        frequency_penalty: float,
        presence_penalty: float,
        penalty_tokens: int,
    ) -> None:
        parameters = llama_cpp.llama_sampler_chain_default_params()
        self._chain = llama_cpp.llama_sampler_chain_init(parameters)
        if (repeat_penalty, frequency_penalty, presence_penalty) != (1.0, 0.0, 0.0):
            self._add(
                llama_cpp.llama_sampler_init_penalties(
                    vocabulary_size,
                    penalty_tokens,
                    repeat_penalty,
                    frequency_penalty,
                    presence_penalty,
                )
            )
        if temperature <= 0:
            self._add(llama_cpp.llama_sampler_init_greedy())
            return
        if top_k > 0:
            self._add(llama_cpp.llama_sampler_init_top_k(top_k))
        if top_p < 1:
            self._add(llama_cpp.llama_sampler_init_top_p(top_p, 1))
        if min_p > 0:
            self._add(llama_cpp.llama_sampler_init_min_p(min_p, 1))
        self._add(llama_cpp.llama_sampler_init_temp(temperature))
        self._add(llama_cpp.llama_sampler_init_dist(seed))

    def _add(self, sampler: Any) -> None:
        llama_cpp.llama_sampler_chain_add(self._chain, sampler)

    def sample(self, context: LlamaContext, row: int) -> int:
        """The token after that of a batch's `row`, decoded with logits; the chain remembers it."""
        return int(llama_cpp.llama_sampler_sample(self._chain, context.pointer, row))

    def close(self) -> None:
        if self._chain:
            llama_cpp.llama_sampler_free(self._chain)
            self._chain = None
