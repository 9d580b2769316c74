"""What goes into a generation and what comes out of it.

One dataclass carries counts and timings everywhere, so that a figure after a chat turn and a
figure in a benchmark are the same figure.
"""

from dataclasses import dataclass
from typing import Literal

from runner.prompt import Kind

Reason = Literal["end", "stop", "length", "context", "cancelled"]


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
    guessed_tokens: int = 0
    """Tokens that were guessed ahead, and computed in the hope that they are right."""
    accepted_tokens: int = 0
    """Those of them that were."""

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
class Logprobs:
    """The natural logarithm of a sampled token's probability before any sampler, and the likeliest
    tokens with theirs, likeliest first."""

    token: int
    logprob: float
    likeliest: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A piece of the reply: its kind, its text, the tokens it took and when the last of them was
    sampled (`time.perf_counter()` seconds). `logprobs` has one for each token where asked for."""

    kind: Kind
    text: str
    tokens: tuple[int, ...]
    at: float
    logprobs: tuple[Logprobs, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """Why a reply ended: the model ended it, a stop text came, `max_tokens` was reached, the
    context is full, or it was cancelled. `times` has when each token was sampled, where asked for
    (`time.perf_counter()` seconds)."""

    reason: Reason
    timings: Timings
    seed: int
    times: tuple[float, ...] = ()
