"""What Runner's engine costs over the bare loop that llama.cpp's C API allows.

    python tests/performance/engine_vs_bare_loop.py MODEL.gguf [--repeat 7]

Both sides run in this process, on the same weights, with contexts made with the same parameters,
on the same random prompt and with the same sampler. The bare side calls `llama_decode` and
`llama_sampler_sample` and nothing else; the engine's side is `Model.generate` with its stream read
to the end, as a chat reads it. Runs are interleaved (bare engine, engine bare, …), and a pair's
ratio is taken from two neighbouring runs, so that a machine that slows down slows both.

Prefill: from the start of reading to the first sampled token. Decode: from there to the last one.
`--memory` measures peak memory instead, each side alone in a child process.
"""

import argparse
import ctypes
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.engine.model import BATCH, Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.llama.library import llama_cpp


@dataclass(frozen=True, slots=True)
class Run:
    """One prompt read and one reply decoded: tokens/s, and the reply."""

    prefill_rate: float
    decode_rate: float
    reply: tuple[int, ...]


class BareLoop:
    """Context, sampler and loop, straight on the C API."""

    def __init__(self, model: Any, placement: Placement, sampling: Sampling) -> None:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = placement.context
        parameters.n_batch = parameters.n_ubatch = min(BATCH, placement.context)
        parameters.n_outputs_max = 1
        parameters.n_threads = parameters.n_threads_batch = placement.threads
        parameters.flash_attn_type = -1  # auto
        parameters.swa_full = False
        self._context = llama_cpp.llama_init_from_model(model, parameters)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._sampling = sampling

    def run(self, prompt: Sequence[int], reply_tokens: int) -> Run:
        context, chain = self._context, _sampler_chain(self._sampling)
        llama_cpp.llama_memory_clear(self._memory, False)
        array = (llama_cpp.llama_token * len(prompt))(*prompt)
        started = time.perf_counter()
        for position in range(0, len(prompt), BATCH):
            part = ctypes.cast(
                ctypes.byref(array, 4 * position), ctypes.POINTER(llama_cpp.llama_token)
            )
            count = min(BATCH, len(prompt) - position)
            _check(llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(part, count)))
        reply = [llama_cpp.llama_sampler_sample(chain, context, -1)]
        first = time.perf_counter()
        one = (llama_cpp.llama_token * 1)()
        batch = llama_cpp.llama_batch_get_one(one, 1)
        while len(reply) < reply_tokens:
            one[0] = reply[-1]
            _check(llama_cpp.llama_decode(context, batch))
            reply.append(llama_cpp.llama_sampler_sample(chain, context, -1))
        ended = time.perf_counter()
        llama_cpp.llama_sampler_free(chain)
        return Run(
            len(prompt) / (first - started), (reply_tokens - 1) / (ended - first), tuple(reply)
        )


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


def engine_run(model: Model, sampling: Sampling, prompt: Sequence[int], reply_tokens: int) -> Run:
    stream = model.generate(
        prompt, Options(sampling=sampling, max_tokens=reply_tokens, ignore_end=True)
    )
    reply = tuple(token for event in stream for token in event.tokens)
    timings = stream.finish.timings
    if timings.reused_tokens:
        raise SystemExit(f"{timings.reused_tokens} tokens of the prompt were in the cache")
    return Run(timings.prefill_rate, timings.decode_rate, reply)


def random_prompt(vocabulary_size: int, tokens: int, seed: int) -> list[int]:
    """Random ids without BOS, so that no two prompts begin alike and nothing is reused."""
    draw = random.Random(seed)
    return [draw.randrange(vocabulary_size) for _ in range(tokens)]


def compare(options: argparse.Namespace) -> None:
    placement, sampling = _placement(options), _sampling(options)
    with Model.open(options.model, placement) as model:
        bare = BareLoop(model.weights.pointer, placement, sampling)
        sides: dict[str, Callable[[list[int]], Run]] = {
            "bare": lambda prompt: bare.run(prompt, options.reply_tokens),
            "engine": lambda prompt: engine_run(model, sampling, prompt, options.reply_tokens),
        }
        pairs: list[dict[str, Run]] = []
        for pair in range(-1, options.repeat):  # the first pair is the warm-up
            prompt = random_prompt(model.vocabulary.size, options.prompt_tokens, seed=pair)
            order = ["bare", "engine"] if pair % 2 == 0 else ["engine", "bare"]
            runs = {side: sides[side](prompt) for side in order}
            if pair >= 0:
                pairs.append(runs)
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        print(
            f"{options.model.name}: {model.description}, {placement.threads} threads, "
            f"{'greedy' if sampling.temperature <= 0 else 'sampled'}, {len(pairs)} pairs"
        )
    _print_pairs("prefill", options.prompt_tokens, [_rates(p, "prefill_rate") for p in pairs])
    _print_pairs("decode", options.reply_tokens - 1, [_rates(p, "decode_rate") for p in pairs])
    same = sum(runs["bare"].reply == runs["engine"].reply for runs in pairs)
    print(f"same reply, token for token: {same} of {len(pairs)} pairs")


def _rates(runs: dict[str, Run], name: str) -> tuple[float, float]:
    return getattr(runs["bare"], name), getattr(runs["engine"], name)


def _print_pairs(title: str, tokens: int, rates: list[tuple[float, float]]) -> None:
    bare, engine = [b for b, _ in rates], [e for _, e in rates]
    ratios = sorted(e / b for b, e in rates)
    print(f"{title}, {tokens} tokens")
    for name, values in (("bare loop", bare), ("engine", engine)):
        print(
            f"  {name:<10} {statistics.median(values):8.2f} tokens/s "
            f"({min(values):.2f} to {max(values):.2f})"
        )
    print(
        f"  {'ratio':<10} {statistics.median(ratios):8.3f}          "
        f"({ratios[0]:.3f} to {ratios[-1]:.3f}); of the fastest runs {max(engine) / max(bare):.3f}"
    )


def one_side(options: argparse.Namespace) -> None:
    """Run one side alone and print this process's peak resident memory."""
    import resource

    placement, sampling = _placement(options), _sampling(options)
    if options.only == "engine":
        with Model.open(options.model, placement) as model:
            prompt = random_prompt(model.vocabulary.size, options.prompt_tokens, seed=0)
            engine_run(model, sampling, prompt, options.reply_tokens)
    else:
        parameters = llama_cpp.llama_model_default_params()
        weights = llama_cpp.llama_model_load_from_file(str(options.model).encode(), parameters)
        size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(weights))
        bare = BareLoop(weights, placement, sampling)
        bare.run(random_prompt(size, options.prompt_tokens, seed=0), options.reply_tokens)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"{options.only:<8} peak resident memory {peak / 2**20:8.1f} MiB")


def _placement(options: argparse.Namespace) -> Placement:
    needed = options.prompt_tokens + options.reply_tokens
    context = -(-needed // 256) * 256
    return Placement(
        context=context, gpu_layers=0, devices=None, threads=options.threads, kv_type="f16"
    )


def _sampling(options: argparse.Namespace) -> Sampling:
    return Sampling(temperature=options.temperature, seed=1)


def main() -> None:
    from runner.machine import processors

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=7, help="pairs of runs")
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--reply-tokens", type=int, default=129)
    parser.add_argument("--threads", type=int, default=processors().usable)
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy")
    parser.add_argument("--memory", action="store_true", help="peak memory of each side alone")
    parser.add_argument("--only", choices=["bare", "engine"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        one_side(options)
    elif options.memory:
        for side in ("bare", "engine"):
            subprocess.run([sys.executable, *sys.argv, "--only", side], check=True)
    else:
        compare(options)


if __name__ == "__main__":
    main()
