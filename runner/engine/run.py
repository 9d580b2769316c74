"""One request being served: its place in the cache, its choices, its text and its clock."""

import time

from runner.engine.chooser import Chooser
from runner.engine.events import Finish, Reason, Timings
from runner.engine.repeats import Repeats
from runner.engine.sampling import seed_of
from runner.engine.sequences import Sequence
from runner.engine.speculation import Guesser, Speculation
from runner.engine.stream import Request
from runner.engine.text import ReplyText
from runner.llama.context import LlamaContext
from runner.llama.vocabulary import Vocabulary


class Run:
    """`tokens` are the prompt's and then the reply's; those of them that the cache does not hold
    are read before the next token is chosen, which for a reply under way is one."""

    def __init__(
        self,
        request: Request,
        sequence: Sequence,
        reused: int,
        vocabulary: Vocabulary,
        draft: Guesser | None = None,
    ) -> None:
        options = request.options
        self.request = request
        self.sequence = sequence
        self.reused = reused
        self.tokens = list(request.tokens)
        self.seed = seed_of(options.sampling)
        self.reason: Reason | None = None
        self.error: Exception | None = None
        self._vocabulary = vocabulary
        self._chooser = Chooser(options, self.seed, vocabulary, request.prompt, self.tokens)
        self._text = ReplyText(vocabulary, request.prompt, options.stop)
        self._to_think = options.think_tokens
        if self._to_think == 0 and self._text.kind == "reasoning":
            self._close_thought()
        self.guess: list[int] = []
        guessers = [Repeats(), *([draft] if draft else [])] if options.speculate else []
        self._speculation = Speculation(self.tokens, guessers)
        self._guessed = self._accepted = 0
        self._started = time.perf_counter()
        self._first_at = self._last_at = 0.0
        self._times: list[float] | None = [] if options.times else None

    @property
    def unread(self) -> int:
        return len(self.tokens) - len(self.sequence.tokens)

    @property
    def reads(self) -> bool:
        """Whether the prompt is still being read."""
        return len(self.sequence.tokens) < len(self.request.tokens)

    @property
    def ended(self) -> bool:
        return self.reason is not None or self.error is not None

    @property
    def before_boundary(self) -> int:
        """Tokens until the point from which the next prompt is likely to go another way; 0 past
        it."""
        return max(0, self.request.boundary - len(self.sequence.tokens))

    @property
    def reply_tokens(self) -> int:
        """The token that ends a reply counts, though it joins no sequence."""
        return len(self.tokens) - len(self.request.tokens) + (self.reason == "end")

    def make_guess(self, room: int) -> None:
        """Guess what comes after the next token to be read, at most `room` tokens."""
        left = self.request.options.max_tokens
        if left is not None:
            room = min(room, left - self.reply_tokens - 1)
        self.guess = self._speculation.propose(room)

    def choose(self, context: LlamaContext, row: int, seconds: float | None) -> int:
        """Take the tokens after those of a batch's rows from `row` on: one, and as many more as
        were guessed right. How many were; the step took `seconds`, if it was for this alone."""
        right = 0
        for guessed in [*self.guess, None]:
            self._choose(context, row + right)
            if self.reason is not None or self.tokens[-1] != guessed:
                break
            right += 1
        if seconds is not None:
            self._speculation.took(len(self.guess), right + 1, seconds)
        self._guessed += len(self.guess)
        self._accepted += right
        self.guess = []
        return right

    def _choose(self, context: LlamaContext, row: int) -> None:
        """Take the token after that of a batch's `row`, say what it completes, and end the reply
        where it does."""
        token = self._chooser.choose(context, row, self._text.kind)
        self._last_at = time.perf_counter()
        self._first_at = self._first_at or self._last_at
        if self._times is not None:
            self._times.append(self._last_at)
        options = self.request.options
        if token is None or (self._vocabulary.is_end(token) and not options.ignore_end):
            self.reason = "end"
            return
        self.tokens.append(token)
        logprobs = self._chooser.logprobs(context, row, token)
        for event in self._text.feed(token, self._last_at, logprobs):
            self.request.outbox.put(event)
        if self._text.stopped:
            self.reason = "stop"
        elif options.max_tokens is not None and self.reply_tokens >= options.max_tokens:
            self.reason = "length"
        elif len(self.tokens) > context.length:
            self.reason = "context"
        elif self._to_think is not None and self._text.kind == "reasoning":
            self._spend_thought()

    def _spend_thought(self) -> None:
        """Count a token of reasoning; after the last that is allowed, close the reasoning."""
        assert self._to_think is not None
        self._to_think -= 1
        if self._to_think <= 0:
            self._close_thought()

    def _close_thought(self) -> None:
        self._to_think = None
        if marks := self.request.prompt.marks:
            # Where a format frames the answer too, its marks follow each other; elsewhere models
            # were taught that a mark stands on a line of its own.
            framed = marks.close + "".join(marks.around)
            text = framed if marks.around else f"\n{marks.close}\n\n"
            self._chooser.force(self._vocabulary.encode(text, marks=True))

    def report(self) -> None:
        """Tell the caller how far the prompt has been read."""
        if self.request.progress is not None:
            done = len(self.sequence.tokens) - self.reused
            self.request.progress(done, len(self.request.tokens) - self.reused)

    def end(self) -> None:
        """Tell the caller that the reply is over, or what went wrong, and free what it took."""
        self.request.outbox.put(self.error or self._finish())
        self._chooser.close()

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
            guessed_tokens=self._guessed,
            accepted_tokens=self._accepted,
        )
        return Finish(self.reason or "cancelled", timings, self.seed, tuple(self._times or ()))


def unstarted(request: Request) -> Finish:
    """The end of a request that was cancelled while it waited."""
    waited = time.perf_counter() - request.submitted
    timings = Timings(len(request.tokens), 0, 0.0, 0, 0.0, waited, waited)
    return Finish("cancelled", timings, seed_of(request.options.sampling))
