"""Runner's engine beside llama-cpp-python's own class `Llama`, which most Python programs use.

    python -m tests.performance.against_llama_class MODEL.gguf [--repeat 3]

The same conversation with the same model and settings (context, threads, batch, flash attention,
sampler): a first question of some hundred tokens and its reply, then a second question. Streams
are read to the end by both. Runs are interleaved in one process; `--memory` gives each side's peak
resident memory in a process of its own.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.llama.library import llama_cpp  # sets llama.cpp's log aside first
from runner.prompt import ChatTemplate, Message
from tests.performance.interleaved import pairs, show

BATCH = 512
PAUSE = 3.0
"""Seconds for the person to read the first reply, and for Runner to read it ahead, as in a chat."""
QUESTION = "Here are some words to think about, number {n}: " + "apple river stone cloud " * 60
SECOND = "And what follows from that?"


@dataclass(frozen=True, slots=True)
class Talk:
    """Seconds to the first token of two turns, and the first reply's tokens/s."""

    first: float
    second: float
    decode_rate: float


class Runner:
    def __init__(self, path: Path, options: argparse.Namespace) -> None:
        self.model = Model.open(path, Placement(options.context, 0, None, options.threads, "f16"))
        vocabulary = self.model.vocabulary
        bos, eos = (
            vocabulary.piece(token).decode() if token >= 0 else ""
            for token in (vocabulary.bos, vocabulary.eos)
        )
        self.template = ChatTemplate(self.model.template_source, bos=bos, eos=eos)
        self.count = options.reply_tokens

    def talk(self, number: int) -> Talk:
        messages = [Message("user", QUESTION.format(n=number))]
        first, rate, text = self._turn(messages)
        messages.append(Message("assistant", text))
        self.model.expect(self.template.render([*messages, Message("user", "")]))
        time.sleep(PAUSE)
        second, _, _ = self._turn([*messages, Message("user", SECOND)])
        return Talk(first, second, rate)

    def _turn(self, messages: list[Message]) -> tuple[float, float, str]:
        options = Options(
            sampling=Sampling(temperature=0), max_tokens=self.count, ignore_end=True, private=True
        )
        stream = self.model.generate(self.template.render(messages), options)
        text = "".join(event.text for event in stream)
        timings = stream.finish.timings
        return timings.first_token_seconds, timings.decode_rate, text


class LlamaClass:
    def __init__(self, path: Path, options: argparse.Namespace) -> None:
        import llama_cpp as bindings

        self.llama = bindings.Llama(
            str(path), n_ctx=options.context, n_batch=BATCH, n_threads=options.threads,
            n_threads_batch=options.threads, flash_attn=True, verbose=False,
        )  # fmt: skip
        # Replies are to have the same length on both sides.
        ends = {
            token: float("-inf")
            for token in range(self.llama.n_vocab())
            if llama_cpp.llama_vocab_is_eog(
                llama_cpp.llama_model_get_vocab(self.llama.model), token
            )
        }
        self.bias = ends
        self.count = options.reply_tokens

    def talk(self, number: int) -> Talk:
        messages = [{"role": "user", "content": QUESTION.format(n=number)}]
        first, rate, text = self._turn(messages)
        time.sleep(PAUSE)
        messages += [{"role": "assistant", "content": text}, {"role": "user", "content": SECOND}]
        second, _, _ = self._turn(messages)
        return Talk(first, second, rate)

    def _turn(self, messages: list[dict[str, str]]) -> tuple[float, float, str]:
        started = time.perf_counter()
        times, text = [], ""
        for chunk in self.llama.create_chat_completion(
            messages=messages, stream=True, temperature=0.0, max_tokens=self.count,
            logit_bias=self.bias,
        ):  # fmt: skip
            said = chunk["choices"][0]["delta"].get("content")
            if said is not None:
                times.append(time.perf_counter())
                text += said
        # A chunk may hold several tokens, so the count asked for is divided by the whole time.
        return times[0] - started, (self.count - 1) / (times[-1] - times[0]), text


SIDES: dict[str, type[LlamaClass] | type[Runner]] = {"Llama class": LlamaClass, "Runner": Runner}


def one_side(options: argparse.Namespace) -> None:
    import resource

    SIDES[options.only](options.model, options).talk(0)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"{options.only:<12} peak resident memory {peak / 2**20:8.1f} MiB")


def main() -> None:
    from runner.machine import processors

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--reply-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=processors().usable)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--only", choices=list(SIDES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        one_side(options)
        return
    if options.memory:
        again = [sys.executable, "-m", "tests.performance.against_llama_class", *sys.argv[1:]]
        for side in SIDES:
            subprocess.run([*again, "--only", side], check=True)
        return
    made = {name: side(options.model, options) for name, side in SIDES.items()}
    measured = pairs({name: one.talk for name, one in made.items()}, options.repeat)
    for what, unit, title in (
        ("first", "s", "first token of the first turn"),
        ("second", "s", "first token of the second turn"),
        ("decode_rate", "tokens/s", f"decode, {options.reply_tokens - 1} tokens"),
    ):
        show(title, unit, [{n: getattr(t, what) for n, t in pair.items()} for pair in measured])


if __name__ == "__main__":
    main()
