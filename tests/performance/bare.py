"""The least that a program can do on llama.cpp's C API: what the engine is measured against."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.fit.wishes import BATCH
from runner.llama.library import llama_cpp


@dataclass(frozen=True, slots=True)
class Run:
    """Prompts read and replies decoded: tokens/s of all together, and the replies."""

    prefill_rate: float
    decode_rate: float
    reply: tuple[tuple[int, ...], ...]


class BareLoop:
    """Context, samplers and loop, straight on the C API, for any number of sequences."""

    def __init__(
        self, model: Any, placement: Placement, sampling: Sampling, sequences: int = 1
    ) -> None:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = placement.context
        parameters.n_batch = parameters.n_ubatch = min(BATCH, placement.context)
        parameters.n_seq_max = parameters.n_outputs_max = sequences
        parameters.kv_unified = True
        parameters.n_threads = parameters.n_threads_batch = placement.threads
        parameters.flash_attn_type = -1  # auto
        parameters.swa_full = False
        self._context = llama_cpp.llama_init_from_model(model, parameters)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._sampling = sampling
        self._sequences = sequences

    def run(self, prompts: Sequence[Sequence[int]], reply_tokens: int) -> Run:
        """Read every prompt, one after the other, then decode all replies together."""
        context = self._context
        chains = [_sampler_chain(self._sampling) for _ in prompts]
        llama_cpp.llama_memory_clear(self._memory, False)
        batch = llama_cpp.llama_batch_init(BATCH, 0, 1)
        started = time.perf_counter()
        replies = []
        for number, prompt in enumerate(prompts):
            for start in range(0, len(prompt), BATCH):
                part = prompt[start : start + BATCH]
                for index, token in enumerate(part):
                    _put(batch, index, token, start + index, number, False)
                batch.logits[len(part) - 1] = start + len(part) == len(prompt)
                batch.n_tokens = len(part)
                _check(llama_cpp.llama_decode(context, batch))
            replies.append([llama_cpp.llama_sampler_sample(chains[number], context, -1)])
        first = time.perf_counter()
        batch.n_tokens = len(prompts)
        for step in range(reply_tokens - 1):
            for number, prompt in enumerate(prompts):
                _put(batch, number, replies[number][-1], len(prompt) + step, number, True)
            _check(llama_cpp.llama_decode(context, batch))
            for number, chain in enumerate(chains):
                replies[number].append(llama_cpp.llama_sampler_sample(chain, context, number))
        ended = time.perf_counter()
        llama_cpp.llama_batch_free(batch)
        for chain in chains:
            llama_cpp.llama_sampler_free(chain)
        return Run(
            sum(map(len, prompts)) / (first - started),
            (reply_tokens - 1) * len(prompts) / (ended - first),
            tuple(map(tuple, replies)),
        )

    def close(self) -> None:
        llama_cpp.llama_free(self._context)


def _put(batch: Any, index: int, token: int, position: int, sequence: int, logits: bool) -> None:
    batch.token[index], batch.pos[index] = token, position
    batch.n_seq_id[index], batch.seq_id[index][0] = 1, sequence
    batch.logits[index] = logits


def _sampler_chain(sampling: Sampling) -> Any:
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    if sampling.temperature <= 0:
        samplers = [llama_cpp.llama_sampler_init_greedy()]
    else:
        samplers = [
            llama_cpp.llama_sampler_init_top_k(sampling.top_k),
            llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1),
            llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1),
            llama_cpp.llama_sampler_init_temp(sampling.temperature),
            llama_cpp.llama_sampler_init_dist(sampling.seed),
        ]
    for sampler in samplers:
        llama_cpp.llama_sampler_chain_add(chain, sampler)
    return chain


def _check(code: int) -> None:
    if code:
        raise SystemExit(f"llama_decode returned {code}")
