"""What guessing ahead gains, and what it costs where there is nothing to gain.

    python -m tests.performance.speculation MODEL.gguf TEXT [--draft SMALLER.gguf] [--repeat 5]

TEXT is prose without repetition. Two replies are measured, each with and without guesses, by
turns: a source file of this program written again with one name changed, after the file itself;
and the second part of TEXT after its first. The replies are recordings that the sampler is made to
return, so that a model of random weights does as well as a real one: how many guesses are right is
a matter of the text, and what they cost of the model's shape. (A draft model guesses what it
thinks itself, so `--draft` is worth measuring with real weights only.)
"""

import argparse
from pathlib import Path

from runner.engine import loop
from runner.engine.events import Timings
from runner.engine.model import Model
from runner.engine.options import Options
from runner.fit import Placement
from tests.performance.interleaved import pairs, show

SOURCE = Path(loop.__file__)


def main() -> None:
    from runner.machine import processors

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--draft", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--prompt-tokens", type=int, default=1000)
    parser.add_argument("--reply-tokens", type=int, default=256)
    parser.add_argument("--threads", type=int, default=processors().usable)
    parser.add_argument("--gpu-layers", type=int, default=0, help="-1 is all")
    options = parser.parse_args()
    length = options.prompt_tokens + options.reply_tokens + 256
    placement = Placement(length, options.gpu_layers, None, options.threads, "f16")
    draft = (options.draft, placement) if options.draft else None
    source = SOURCE.read_text(encoding="utf-8")
    changed = source.replace("_sequences", "_places")
    prose = options.text.read_text(encoding="utf-8")
    with Model.open(options.model, placement, draft=draft) as model:

        def tokens(text: str) -> list[int]:
            return model.vocabulary.encode(text, marks=False)

        head = tokens(prose[: 20 * length])
        end = options.prompt_tokens + options.reply_tokens
        for title, prompt, reply, bound in (
            ("a file written again", tokens(source), tokens(changed), "1.4"),
            ("prose", head, head[options.prompt_tokens : end], "0.97"),
        ):
            replay = tuple(reply[: options.reply_tokens])
            measured = measure(model, prompt[: options.prompt_tokens], replay, options.repeat)
            rates = [{side: one.decode_rate for side, one in pair.items()} for pair in measured]
            show(f"{title}, {len(replay)} tokens", "tokens/s", rates, bound=f"at least {bound}")
            last = measured[-1]["guessing ahead"]
            print(f"  right guesses: {last.accepted_tokens} of {last.guessed_tokens}")


def measure(
    model: Model, prompt: list[int], replay: tuple[int, ...], count: int
) -> list[dict[str, Timings]]:
    def run(speculate: bool) -> Timings:
        chosen = Options(replay=replay, speculate=speculate, ignore_end=True, private=True)
        stream = model.generate(prompt, chosen)
        for _ in stream:
            pass
        return stream.finish.timings

    return pairs(
        {"as it comes": lambda _: run(False), "guessing ahead": lambda _: run(True)}, count
    )


if __name__ == "__main__":
    main()
