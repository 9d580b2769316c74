"""Which token comes next: one that is forced, one of a recording, or what the samplers draw."""

from collections import deque

import numpy as np

from runner.engine.events import Logprobs
from runner.engine.opening import Opening
from runner.engine.options import Options
from runner.engine.sampling import chain, looks_back
from runner.llama.context import LlamaContext
from runner.llama.grammar import Grammar
from runner.llama.vocabulary import Vocabulary
from runner.prompt import Kind, Prompt


class Chooser:
    """The choices of one reply. Close it after use."""

    def __init__(
        self,
        options: Options,
        seed: int,
        vocabulary: Vocabulary,
        prompt: Prompt,
        tokens: list[int],
    ) -> None:
        """`tokens` are the prompt's."""
        self._options = options
        self._sampler = chain(options.sampling, seed, vocabulary)
        if window := looks_back(options.sampling):
            for token in tokens[-window:]:
                self._sampler.accept(token)
        constraint = options.constraint
        self._grammar = Grammar(vocabulary, constraint.gbnf) if constraint else None
        self._opening = Opening(prompt, vocabulary) if constraint else None
        self._forced: deque[int] = deque()
        self._replay = None if options.replay is None else deque(options.replay)

    def force(self, tokens: list[int]) -> None:
        """Let these come next."""
        self._forced.extend(tokens)

    def choose(self, context: LlamaContext, row: int, kind: Kind) -> int | None:
        """The token after that of a batch's `row`, which is likely to be of `kind`; None where the
        recording is over."""
        if self._forced:
            token = self._forced.popleft()
        elif self._replay is None:
            if self._grammar is not None and kind == "answer":
                return self._within(self._grammar, context, row)
            return self._sampler.sample(context, row)
        elif self._replay:
            token = self._replay.popleft()
        else:
            return None
        self._sampler.accept(token)
        return token

    def _within(self, grammar: Grammar, context: LlamaContext, row: int) -> int:
        """The next token of an answer, or of what comes before it.

        The draw is made first and only checked: a grammar that looks at the whole vocabulary takes
        a hundred times as long, and is asked only where what was drawn is not allowed.
        """
        token = self._sampler.propose(context, row)
        if self._opening is not None and not self._opening.takes(token):
            if rest := self._opening.rest():
                token = rest[0]
                self._forced.extend(rest[1:])
            else:
                self._opening = None  # the answer has begun
        if self._opening is None:
            if not grammar.allows(token):
                token = self._sampler.propose_within(grammar, context, row)
            grammar.accept(token)
        self._sampler.accept(token)
        return token

    def logprobs(self, context: LlamaContext, row: int, token: int) -> Logprobs | None:
        """The probabilities that `token` was chosen from, if they are wanted."""
        count = self._options.logprobs
        if count is None:
            return None
        logits = context.logits(row).astype(np.float64)
        logits -= logits.max()
        logprobs = logits - np.log(np.exp(logits).sum())
        count = min(count, len(logprobs))
        best = np.argpartition(-logprobs, count - 1)[:count] if count else np.zeros(0, int)
        best = best[np.argsort(-logprobs[best], kind="stable")]
        likeliest = tuple((int(one), float(logprobs[one])) for one in best)
        return Logprobs(token, float(logprobs[token]), likeliest)

    def close(self) -> None:
        self._sampler.close()
        if self._grammar is not None:
            self._grammar.close()
