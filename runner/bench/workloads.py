"""What is measured: prefill of a prompt, and decode of a reply.

The two are the field's `pp512` and `tg128`. Prompts are random tokens, each run's its own; speed
does not depend on what the tokens say.
"""

import random
from dataclasses import dataclass
from typing import Literal

from runner.engine.events import Timings
from runner.llama.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Workload:
    """Reads or decodes `tokens` tokens in an empty context."""

    kind: Literal["prefill", "decode"]
    tokens: int

    @property
    def name(self) -> str:
        """The field's name for it: pp512, tg128."""
        return ("pp" if self.kind == "prefill" else "tg") + str(self.tokens)

    @property
    def prompt_tokens(self) -> int:
        return self.tokens if self.kind == "prefill" else 1

    @property
    def reply_tokens(self) -> int:
        """The first token of a reply comes with the prefill; only those after it are decode."""
        return 1 if self.kind == "prefill" else self.tokens + 1

    def prompt(self, vocabulary: Vocabulary, seed: int) -> list[int]:
        """Random tokens, after BOS where the vocabulary wants one."""
        draw = random.Random(f"{self.name} {seed}")
        prompt = [draw.randrange(vocabulary.size) for _ in range(self.prompt_tokens)]
        if self.kind == "prefill" and vocabulary.add_bos:
            prompt[0] = vocabulary.bos
        return prompt

    def seconds(self, timings: Timings) -> float:
        """How long the tokens took, of the timings of a run."""
        return timings.prefill_seconds if self.kind == "prefill" else timings.decode_seconds

    def rate(self, timings: Timings) -> float:
        """Tokens/s, of the timings of a run."""
        return timings.prefill_rate if self.kind == "prefill" else timings.decode_rate


def workloads(prompt_tokens: int, reply_tokens: int, context: int) -> tuple[Workload, ...]:
    """A prefill and a decode of that many tokens each, or as many as the context has room for:
    a prompt leaves one for the reply, and a reply begins after one of a prompt."""
    longest = context - 1
    return (
        Workload("prefill", min(prompt_tokens, longest)),
        Workload("decode", min(reply_tokens, longest)),
    )
