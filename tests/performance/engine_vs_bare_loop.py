"""What Runner's engine costs over the bare loop that llama.cpp's C API allows.

    python -m tests.performance.engine_vs_bare_loop MODEL.gguf [--repeat 7] [--sequences 8]

Both sides run in this process, on the same weights, with contexts made with the same parameters,
on the same random prompts and with the same sampler. The bare side fills a batch, calls
`llama_decode` and `llama_sampler_sample`, and does nothing else; the engine's side is
`Model.generate` with its streams read to the end, as a chat reads them. Runs are interleaved.

Prefill: from the start of reading to the first sampled token. Decode: from there to the last one.
With several sequences all prompts are read before the bare side's replies begin; the engine's
replies begin as their prompts are read, so its decoding is timed from the last first token on.
`--memory` measures peak memory instead, each side alone in a child process. `--asked` is the least
ratio that is wanted, and printed beside what was found.
"""

import argparse
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.engine.stream import Stream
from runner.fit import Placement
from runner.llama.library import llama_cpp
from tests.performance.bare import BareLoop, Run
from tests.performance.interleaved import note, pairs, show


def engine_run(
    model: Model, sampling: Sampling, prompts: Sequence[Sequence[int]], reply_tokens: int
) -> Run:
    options = Options(
        sampling=sampling, max_tokens=reply_tokens, ignore_end=True, reuse=False, private=True
    )
    streams = [model.generate(prompt, options) for prompt in prompts]
    timed = [_timed(stream) for stream in streams]
    if any(stream.finish.timings.reused_tokens for stream in streams):
        raise SystemExit("some of the prompt was in the cache")
    # All replies are under way from `begun` until `ended`; the rates of each, in that time, add up.
    begun = max(times[0] for _, times in timed)
    ended = min(times[-1] for _, times in timed)
    within = [[at for at in times if begun <= at <= ended] for _, times in timed]
    rate = sum(
        (len(times) - 1) / (times[-1] - times[0]) if times[-1] > times[0] else 0.0
        for times in within
    )
    prefill_rate = streams[0].finish.timings.prefill_rate
    return Run(prefill_rate, rate, tuple(tokens for tokens, _ in timed))


def _timed(stream: Stream) -> tuple[tuple[int, ...], list[float]]:
    """The tokens of a reply, and when each was sampled."""
    tokens: list[int] = []
    times: list[float] = []
    for event in stream:
        tokens += event.tokens
        times += [event.at] * len(event.tokens)
    return tuple(tokens), times


def random_prompt(vocabulary_size: int, tokens: int, seed: int) -> list[int]:
    """Random ids without BOS, so that no two prompts begin alike and nothing is reused."""
    draw = random.Random(seed)
    return [draw.randrange(vocabulary_size) for _ in range(tokens)]


def compare(options: argparse.Namespace) -> None:
    placement, sampling = _placement(options), _sampling(options)
    with Model.open(options.model, placement) as model:
        bare = BareLoop(model.weights.pointer, placement, sampling, options.sequences)

        def prompts(pair: int) -> list[list[int]]:
            size, length, many = model.vocabulary.size, options.prompt_tokens, options.sequences
            return [random_prompt(size, length, seed=1000 * pair + one) for one in range(many)]

        # The engine's thread computes first. GNU's OpenMP counts the threads of all its pools, and
        # a pool that is made when they are more than the processors sleeps at every barrier: were
        # this thread's pool there before, the engine would be 10 to 15 % slower than it is.
        engine_run(model, sampling, prompts(-2), 2)
        measured = pairs(
            {
                "bare loop": lambda pair: bare.run(prompts(pair), options.reply_tokens),
                "engine": lambda pair: engine_run(
                    model, sampling, prompts(pair), options.reply_tokens
                ),
            },
            options.repeat,
        )
        print(
            f"{options.model.name}: {model.description}, {placement.threads} threads, "
            f"{options.sequences} sequences, "
            f"{'greedy' if sampling.temperature <= 0 else 'sampled'}"
        )
        bare.close()
    name, asked = options.model.stem, f"at least {options.asked}" if options.asked else ""
    shape = f"{options.reply_tokens - 1} tokens"
    shape += f" of each of {options.sequences} sequences" if options.sequences > 1 else ""
    if options.sequences == 1:
        rates = [{side: run.prefill_rate for side, run in pair.items()} for pair in measured]
        show(f"{name}: prefill, {options.prompt_tokens} tokens", "tokens/s", rates, bound=asked)
    rates = [{side: run.decode_rate for side, run in pair.items()} for pair in measured]
    show(f"{name}: decode, {shape}", "tokens/s", rates, bound=asked)
    same = sum(pair["bare loop"].reply == pair["engine"].reply for pair in measured)
    print(f"same replies, token for token: {same} of {len(measured)} pairs")


def one_side(options: argparse.Namespace) -> None:
    """Run one side alone and print this process's peak resident memory."""
    import resource

    placement, sampling = _placement(options), _sampling(options)
    many, length = options.sequences, options.prompt_tokens
    if options.only == "engine":
        with Model.open(options.model, placement) as model:
            prompts = [random_prompt(model.vocabulary.size, length, seed=s) for s in range(many)]
            engine_run(model, sampling, prompts, options.reply_tokens)
    else:
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = options.gpu_layers
        weights = llama_cpp.llama_model_load_from_file(str(options.model).encode(), parameters)
        size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(weights))
        bare = BareLoop(weights, placement, sampling, many)
        prompts = [random_prompt(size, length, seed=s) for s in range(many)]
        bare.run(prompts, options.reply_tokens)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"{options.only:<8} peak resident memory {peak / 2**20:8.1f} MiB")


def compare_memory() -> None:
    """Run each side alone, in a child process, and print both."""
    peaks = {}
    for side in ("bare", "engine"):
        again = [sys.executable, "-m", "tests.performance.engine_vs_bare_loop", *sys.argv[1:]]
        command = [*again, "--only", side]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="")
        peaks[side] = float(done.stdout.split()[-2])
    ratio = peaks["engine"] / peaks["bare"]
    both = f"{peaks['engine']:.0f} to {peaks['bare']:.0f} MiB"
    note("peak memory", f"{ratio:.4f}", both, "at most 1.02, and 40 MB")


def _placement(options: argparse.Namespace) -> Placement:
    needed = options.sequences * (options.prompt_tokens + options.reply_tokens)
    return Placement(
        context=-(-needed // 256) * 256,
        gpu_layers=options.gpu_layers,
        devices=None,
        threads=options.threads,
        kv_type="f16",
        sequences=options.sequences,
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
    parser.add_argument("--sequences", type=int, default=1, help="prompts at once")
    parser.add_argument("--threads", type=int, default=processors().usable)
    parser.add_argument("--gpu-layers", type=int, default=0, help="-1 is all")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy")
    parser.add_argument("--asked", type=float, help="the least ratio wanted")
    parser.add_argument("--memory", action="store_true", help="peak memory of each side alone")
    parser.add_argument("--only", choices=["bare", "engine"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        one_side(options)
    elif options.memory:
        compare_memory()
    else:
        compare(options)


if __name__ == "__main__":
    main()
