"""What is measured: prefill of a prompt, decode of a reply, and replies to real text.

Prefill and decode are the field's `pp512` and `tg128`, with random tokens: their speed does not
depend on what the tokens say. That of speculation and sampling does, so texts ship with it.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from runner.bench.record import TestKind
from runner.llama.vocabulary import Vocabulary

TEXTS = ("chat", "summarise", "code", "reasoning")
TEXT_REPLY = 128
TEMPLATE_TOKENS = 128
"""Room for what a chat template puts around a text, and for the line that makes it unique."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Reads `prompt_tokens` and then decodes `reply_tokens`, after `depth` tokens that are in the
    cache already. With a `text` the prompt is that, as a chat's first message. Decoding is greedy,
    but for texts and where `sampled`: those draw as the model's chats do."""

    name: str
    kind: TestKind
    prompt_tokens: int
    reply_tokens: int
    depth: int = 0
    text: str = ""
    sampled: bool = False

    @property
    def sha256(self) -> str:
        """Of everything that decides the tokens but the draw."""
        said = [self.kind, self.prompt_tokens, self.reply_tokens, self.depth, self.text]
        return hashlib.sha256(json.dumps([*said, self.sampled]).encode()).hexdigest()

    @property
    def sampled_tokens(self) -> int:
        """Tokens that the engine is asked for. The first one of a reply comes with the prefill; of
        synthetic tests only those after it count as decoded, as in llama-bench."""
        return self.reply_tokens if self.text else self.reply_tokens + 1

    @property
    def context(self) -> int:
        """Tokens of context it needs; of a text at most, for a token has a byte or more."""
        if self.text:
            return len(self.text.encode()) + TEMPLATE_TOKENS + self.reply_tokens
        return self.depth + max(self.prompt_tokens, 1) + self.reply_tokens + 1

    def tokens(self, vocabulary: Vocabulary, draw: random.Random) -> list[int]:
        """Random tokens of its prompt; one for a decode, which begins with nothing else."""
        count = max(self.prompt_tokens, 1)
        tokens = [draw.randrange(vocabulary.size) for _ in range(count)]
        if self.prompt_tokens and not self.depth and vocabulary.add_bos:
            tokens[0] = vocabulary.bos
        return tokens


def synthetic(
    prompts: Sequence[int] = (),
    replies: Sequence[int] = (),
    both: Sequence[tuple[int, int]] = (),
    depths: Sequence[int] = (0,),
    *,
    sampled: bool = False,
) -> tuple[Workload, ...]:
    """A test for each length at each depth: prefill, decode (also `sampled`, where that is asked
    for) and prompts with replies. Lengths of 0 are left out."""
    found = []
    for depth in depths:
        at = f"@d{depth}" if depth else ""
        found += [Workload(f"pp{n}{at}", "prefill", n, 0, depth) for n in prompts if n]
        for n in filter(None, replies):
            found.append(Workload(f"tg{n}{at}", "decode", 0, n, depth))
            if sampled:
                found.append(Workload(f"tg{n}-sampled{at}", "decode", 0, n, depth, sampled=True))
        found += [Workload(f"pp{p}+tg{n}{at}", "reply", p, n, depth) for p, n in both if p and n]
    return tuple(dict.fromkeys(found))


def texts(names: Sequence[str] = TEXTS, reply_tokens: int = TEXT_REPLY) -> tuple[Workload, ...]:
    """Replies to the texts that ship with the program. Raises KeyError for one that does not."""
    return tuple(
        Workload(name, "reply", 0, reply_tokens, text=text_of(name), sampled=True) for name in names
    )


def text_of(name: str) -> str:
    """What a person asks there. Raises KeyError."""
    if name not in TEXTS:
        raise KeyError(name)
    path = resources.files("runner.bench") / "texts" / f"{name}.txt"
    return path.read_text(encoding="utf-8").strip()
