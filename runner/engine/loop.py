"""The decode loop: one thread owns a context, reads prompts and decodes replies.

Callers submit requests and iterate streams; llama.cpp computes on this thread alone, with the
GIL released, so Ctrl-C and the screen never wait for it.
"""

import queue
import random
import threading
import time

from runner.engine.events import Finish, Reason, Sampling, Timings
from runner.engine.stream import Request
from runner.engine.text import ReplyText
from runner.llama.context import DecodeAborted, LlamaContext
from runner.llama.sampler import LlamaSampler
from runner.llama.vocabulary import Vocabulary


class DecodeLoop(threading.Thread):
    """Serves requests one after another on one sequence, keeping what is in its KV cache so that
    a prompt that begins like the last one is read only from where it differs."""

    def __init__(self, context: LlamaContext, vocabulary: Vocabulary) -> None:
        super().__init__(name="runner-decode", daemon=True)
        self._context = context
        self._vocabulary = vocabulary
        self._inbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._current: Request | None = None
        self._resident: list[int] = []

    def submit(self, request: Request) -> None:
        self._inbox.put(request)

    def cancel(self, request: Request) -> None:
        # `cancelled` first: the loop looks at it after it has made the request current.
        request.cancelled = True
        if self._current is request:
            self._context.abort()

    def stop(self) -> None:
        """End the thread, cancelling what it is at. Returns when it has ended."""
        self._inbox.put(None)
        if self._current is not None:
            self.cancel(self._current)
        self.join()

    def run(self) -> None:
        while (request := self._inbox.get()) is not None:
            self._current = request
            self._context.allow()
            try:
                request.outbox.put(self._serve(request))
            except Exception as error:
                self._forget()
                request.outbox.put(error)
            finally:
                self._current = None

    def _serve(self, request: Request) -> Finish:
        run = _Run(request, self._vocabulary)
        try:
            run.started = time.perf_counter()
            run.reused = self._keep_prefix(request.tokens)
            self._read(request, run.reused)
            self._decode(request, run)
        except DecodeAborted:
            self._repair()
            run.reason = "cancelled"
        finally:
            run.sampler.close()
        return run.finish()

    def _keep_prefix(self, tokens: list[int]) -> int:
        """Drop what the cache holds beyond its common prefix with `tokens`; its length."""
        shared = 0
        # The last token is always read again: its logits are needed.
        for old, new in zip(self._resident, tokens[:-1], strict=False):
            if old != new:
                break
            shared += 1
        if shared < len(self._resident):
            if shared and self._context.forget_from(shared):
                del self._resident[shared:]
            else:
                self._forget()
        return len(self._resident)

    def _forget(self) -> None:
        self._context.clear()
        self._resident.clear()

    def _read(self, request: Request, start: int) -> None:
        tokens, size = request.tokens, self._context.batch
        for position in range(start, len(tokens), size):
            if request.cancelled:
                raise DecodeAborted
            chunk = tokens[position : position + size]
            self._step(chunk, logits=position + size >= len(tokens))
            if request.progress is not None:
                request.progress(position + len(chunk) - start, len(tokens) - start)

    def _step(self, tokens: list[int], *, logits: bool) -> None:
        self._context.decode(tokens, len(self._resident), logits=logits)
        self._resident += tokens

    def _decode(self, request: Request, run: "_Run") -> None:
        while True:
            token = run.sampler.sample(self._context)
            run.sampled(token)
            if self._vocabulary.is_end(token) and not request.ignore_end:
                run.reason = "end"
                return
            run.emit(token)
            if request.max_tokens is not None and run.reply_tokens >= request.max_tokens:
                run.reason = "length"
                return
            if request.cancelled:
                run.reason = "cancelled"
                return
            if len(self._resident) >= self._context.length:
                run.reason = "context"
                return
            self._step([token], logits=True)

    def _repair(self) -> None:
        """After an abort part of a batch may be in the cache: drop what is not accounted for."""
        if not self._context.forget_from(len(self._resident)):
            self._forget()


class _Run:
    """One request being served: its sampler, its text and its clock."""

    def __init__(self, request: Request, vocabulary: Vocabulary) -> None:
        self.request = request
        self.seed = _seed(request.sampling)
        self.sampler = _sampler(request.sampling, self.seed, vocabulary.size)
        self.text = ReplyText(vocabulary, request.prompt)
        self.reason: Reason = "end"
        self.started = time.perf_counter()
        self.reused = 0
        self.reply_tokens = 0
        self.first_at = self.last_at = 0.0

    def sampled(self, token: int) -> None:
        self.last_at = time.perf_counter()
        self.reply_tokens += 1
        if self.reply_tokens == 1:
            self.first_at = self.last_at

    def emit(self, token: int) -> None:
        for event in self.text.feed(token, self.last_at):
            self.request.outbox.put(event)

    def finish(self) -> Finish:
        ended = time.perf_counter()
        for event in self.text.close(ended):
            self.request.outbox.put(event)
        first, last = self.first_at or ended, self.last_at or ended
        timings = Timings(
            prompt_tokens=len(self.request.tokens),
            reused_tokens=self.reused,
            prefill_seconds=first - self.started,
            reply_tokens=self.reply_tokens,
            decode_seconds=last - first,
            first_token_seconds=first - self.request.submitted,
            total_seconds=ended - self.request.submitted,
        )
        return Finish(self.reason, timings, self.seed)


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
