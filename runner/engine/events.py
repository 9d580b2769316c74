"""What goes into a generation and what comes out of it.

One dataclass carries counts and timings everywhere, so that a figure after a chat turn and a
figure in a benchmark are the same figure.
"""

from dataclasses import dataclass
from typing import Literal

from runner.prompt import Kind


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Temperature 0 takes the likeliest; `top_k` 0, `top_p` 1 and
    `min_p` 0 switch those filters off; a `seed` of None draws one."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    penalty_tokens: int = 64
    """How many of the latest tokens the penalties look at."""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Counts in tokens, durations in seconds. Rates are tokens/s, 0 where nothing was done."""

    prompt_tokens: int
    reused_tokens: int
    """Tokens of the prompt that were still in the KV cache and were not read again."""
    prefill_seconds: float
    """From the start of reading the prompt to the first sampled token."""
    reply_tokens: int
    decode_seconds: float
    """From the first sampled token to the last."""
    first_token_seconds: float
    """From the request to the first sampled token (TTFT), waiting included."""
    total_seconds: float

    @property
    def prefill_rate(self) -> float:
        read = self.prompt_tokens - self.reused_tokens
        return read / self.prefill_seconds if self.prefill_seconds > 0 else 0.0

    @property
    def decode_rate(self) -> float:
        """Tokens after the first, over the time they took."""
        steps = self.reply_tokens - 1
        return steps / self.decode_seconds if steps > 0 and self.decode_seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """A piece of the reply: its kind, its text, the tokens it took and when the last of them was
    sampled (`time.perf_counter()` seconds)."""

    kind: Kind
    text: str
    tokens: tuple[int, ...]
    at: float


Reason = Literal["end", "length", "context", "cancelled"]


@dataclass(frozen=True, slots=True)
class Finish:
    """Why a reply ended: the model ended it, `max_tokens` was reached, the context is full, or it
    was cancelled."""

    reason: Reason
    timings: Timings
    seed: int
