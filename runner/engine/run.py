"""One request being served: its place in the cache, its sampler, its text and its clock."""

import random
import time
from typing import Literal

from runner.engine.events import Finish, Sampling, Timings
from runner.engine.sequences import Sequence
from runner.engine.stream import Request
from runner.engine.text import ReplyText
from runner.llama.context import LlamaContext
from runner.llama.sampler import LlamaSampler
from runner.llama.vocabulary import Vocabulary

Reason = Literal["end", "length", "context", "cancelled"]


class Run:
    """`tokens` are the prompt's and then the reply's; those of them that the cache does not hold
    are read before the next token is sampled, which for a reply under way is one."""

    def __init__(
        self, request: Request, sequence: Sequence, reused: int, vocabulary: Vocabulary
    ) -> None:
        self.request = request
        self.sequence = sequence
        self.reused = reused
        self.tokens = list(request.tokens)
        self.seed = _seed(request.sampling)
        self.reason: Reason | None = None
        self._vocabulary = vocabulary
        self._sampler = _sampler(request.sampling, self.seed, vocabulary.size)
        self._text = ReplyText(vocabulary, request.prompt)
        self._started = time.perf_counter()
        self._first_at = self._last_at = 0.0

    @property
    def unread(self) -> int:
        return len(self.tokens) - len(self.sequence.tokens)

    @property
    def before_boundary(self) -> int:
        """Tokens until the point from which the next prompt is likely to go another way; 0 past
        it."""
        return max(0, self.request.boundary - len(self.sequence.tokens))

    @property
    def reply_tokens(self) -> int:
        """The token that ends a reply counts, though it joins no sequence."""
        return len(self.tokens) - len(self.request.tokens) + (self.reason == "end")

    def sample(self, context: LlamaContext, row: int) -> None:
        """Draw the next token from a batch's `row`, say what it completes, and end the reply
        where it does."""
        token = self._sampler.sample(context, row)
        self._last_at = time.perf_counter()
        self._first_at = self._first_at or self._last_at
        request = self.request
        if self._vocabulary.is_end(token) and not request.ignore_end:
            self.reason = "end"
            return
        self.tokens.append(token)
        for event in self._text.feed(token, self._last_at):
            request.outbox.put(event)
        if request.max_tokens is not None and self.reply_tokens >= request.max_tokens:
            self.reason = "length"
        elif len(self.tokens) > context.length:
            self.reason = "context"

    def report(self) -> None:
        """Tell the caller how far the prompt has been read."""
        if self.request.progress is not None:
            done = len(self.sequence.tokens) - self.reused
            self.request.progress(done, len(self.request.tokens) - self.reused)

    def end(self) -> None:
        """Tell the caller that the reply is over, and free what it took."""
        self.request.outbox.put(self._finish())
        self._sampler.close()

    def fail(self, error: Exception) -> None:
        self.request.outbox.put(error)
        self._sampler.close()

    def _finish(self) -> Finish:
        ended = time.perf_counter()
        for event in self._text.close(ended):
            self.request.outbox.put(event)
        first, last = self._first_at or ended, self._last_at or ended
        timings = Timings(
            prompt_tokens=len(self.request.tokens),
            reused_tokens=self.reused,
            prefill_seconds=first - self._started,
            reply_tokens=self.reply_tokens,
            decode_seconds=last - first,
            first_token_seconds=first - self.request.submitted,
            total_seconds=ended - self.request.submitted,
        )
        return Finish(self.reason or "cancelled", timings, self.seed)


def unstarted(request: Request) -> Finish:
    """The end of a request that was cancelled while it waited."""
    waited = time.perf_counter() - request.submitted
    timings = Timings(len(request.tokens), 0, 0.0, 0, 0.0, waited, waited)
    return Finish("cancelled", timings, _seed(request.sampling))


def _seed(sampling: Sampling) -> int:
    # 2³² − 1 asks llama.cpp for a seed of its own, which would not be known.
    return random.randrange(2**32 - 1) if sampling.seed is None else sampling.seed


def _sampler(sampling: Sampling, seed: int, vocabulary_size: int) -> LlamaSampler:
    return LlamaSampler(
        vocabulary_size=vocabulary_size,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        min_p=sampling.min_p,
        seed=seed,
        repeat_penalty=sampling.repeat_penalty,
        frequency_penalty=sampling.frequency_penalty,
        presence_penalty=sampling.presence_penalty,
        penalty_tokens=sampling.penalty_tokens,
    )
