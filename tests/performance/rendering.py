"""What it costs to render Markdown as it streams.

    python -m tests.performance.rendering [--tokens 5000 10000 20000] [--repeat 3]

CPU time of this process: of the whole text fed token by token, with the unfinished rest looked at
12 times a second as if 100 tokens came in each, which is what a terminal does. The share is of one
core at 100 tokens/s. The cost of a token must not grow with what came before it.
"""

import argparse
import itertools
import re
import time
from collections.abc import Iterator

from runner.cli.terminal.markdown import MarkdownStream

TOKENS_PER_SECOND = 100
LOOKS_PER_SECOND = 12
ROWS = 12
WIDTH = 100

PIECE = re.compile(r"\s*(?:\w{1,5}|[^\w\s])|\s+")  # about as long as a token is

SENTENCE = "The *quick* brown fox, number {n}, jumps over `lazy_dogs` and **never** looks back. "
CODE = """\
def function_{n}(values: list[int], name: str = "text") -> float:
    \"\"\"Says what it does.\"\"\"
    total = sum(value ** 2 for value in values)  # a comment
    return total / max(len(values), {n}) if name else 0.0

"""

KINDS = {
    "prose": ("", SENTENCE * 4 + "\n\n"),
    "one paragraph": ("", SENTENCE),
    "one code block": ("```python\n", CODE),
    "one list": ("", "- Item {n} says **something** of use.\n  - and more in `it`\n"),
    "one table": ("| a | b | c |\n|---|---|---|\n", "| row {n} | **cell** | `code` and words |\n"),
    "one quote": ("", "> " + SENTENCE + "\n"),
    "one line, no space": ("", "abcdefgh{n}"),
    "Chinese": ("", "第{n}句话:这是一个很长的段落,没有空格,**也没有**尽头。"),
}


def pieces(kind: str) -> Iterator[str]:
    """A text without end, in pieces of about a token."""
    opening, unit = KINDS[kind]
    yield opening
    for number in itertools.count():
        yield from PIECE.findall(unit.replace("{n}", str(number)))


def cpu_seconds(kind: str, tokens: int) -> tuple[float, float]:
    """CPU time of all that is done, and of looking at the rest alone."""
    stream, looking = MarkdownStream(WIDTH), 0.0
    started = time.process_time()
    for count, piece in enumerate(itertools.islice(pieces(kind), tokens)):
        stream.feed(piece)
        if count % (TOKENS_PER_SECOND // LOOKS_PER_SECOND) == 0:
            before = time.process_time()
            stream.tail(ROWS)
            looking += time.process_time() - before
    stream.close()
    return time.process_time() - started, looking


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=[5000, 10_000, 20_000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    for kind in KINDS:
        cpu_seconds(kind, 200)  # imports and caches
        for tokens in options.tokens:
            whole, looking = min(cpu_seconds(kind, tokens) for _ in range(options.repeat))
            print(
                f"{kind:<18} {tokens:6} tokens  {whole:6.2f} s  {whole / tokens * 1e6:5.0f} µs each"
                f"  (the rest {looking / whole:3.0%})"
                f"  {whole / tokens * TOKENS_PER_SECOND:5.1%} of a core at 100 tokens/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
