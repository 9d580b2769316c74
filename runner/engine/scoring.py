"""How likely a model finds a text: the logits after each of its tokens, a few rows at a time."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from runner.engine.adapters import Adapters, AdapterShelf, check
from runner.engine.stream import WAKE_SECONDS
from runner.engine.weights import load_weights, open_context
from runner.errors import BadModelFile
from runner.fit import Placement
from runner.gguf import read_whole_header
from runner.llama.context import Batch, LlamaContext
from runner.llama.model import LlamaModel, Progress
from runner.llama.vocabulary import Vocabulary

LOGITS_ROOM = 2**27
"""Bytes of logits that are held at once: a row of the largest vocabularies has a megabyte."""

WORKED_ON = 2**21
"""Logits that are worked on at once, so that little room is taken beside them."""

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Branches:
    """Texts that begin alike: each of `endings` has a token or more and follows `prefix`, which
    has at least one as well."""

    prefix: tuple[int, ...]
    endings: tuple[tuple[int, ...], ...]

    @property
    def tokens(self) -> int:
        """Those that take a place in the cache; the last of an ending is only predicted."""
        return len(self.prefix) + sum(len(ending) - 1 for ending in self.endings)


@dataclass(frozen=True, slots=True)
class _Part:
    """Tokens of a sequence from `position` on. Blocks of logits after the last `wanted` of them go
    to `take`, with how many of those rows came before."""

    sequence: int
    position: int
    tokens: Sequence[int]
    wanted: int
    take: Callable[[int, Logits], None]


def log_likelihoods(logits: Logits, tokens: Sequence[int]) -> npt.NDArray[np.float64]:
    """The natural logarithm of the probability that each row of `logits` (tokens × vocabulary)
    gives to its token."""
    rows = np.arange(len(tokens))
    return (logits[rows, tokens] - normalisers(logits)).astype(np.float64)


def normalisers(logits: Logits) -> npt.NDArray[np.float64]:
    """What each row of `logits` has to be lowered by to be log-probabilities: the logarithm of the
    sum of its exponentials, summed in double precision."""
    found = np.empty(len(logits))
    step = max(1, WORKED_ON // logits.shape[1])
    for start in range(0, len(logits), step):
        some = logits[start : start + step]
        most = some.max(axis=1, keepdims=True)
        sums = np.exp(some - most).sum(axis=1, dtype=np.float64)
        found[start : start + step] = np.log(sums) + most[:, 0]
    return found


def rows_of(words: int, batch: int) -> int:
    """Rows of logits that are held at once, of a vocabulary of so many words."""
    return max(1, min(batch, LOGITS_ROOM // (4 * max(words, 1))))


class Scorer:
    """Open with `Scorer.open`. Not thread-safe."""

    def __init__(
        self,
        model: LlamaModel,
        context: LlamaContext,
        rows: int,
        placement: Placement,
        adapters: Adapters,
    ) -> None:
        self._model = model
        self._context = context
        self._batch = Batch(context.batch_size)
        self.rows = rows
        self.placement = placement
        self.adapters = adapters
        # Ctrl-C reaches a thread that waits, and none that computes in C.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="runner-score")

    @classmethod
    def open(
        cls,
        path: Path,
        placement: Placement,
        *,
        adapters: Adapters | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Load `path` as `placement` says: its context is what all sequences of a batch share.

        Raises BadModelFile (also for models that predict nothing), DoesNotFit, DeviceError;
        KeyboardInterrupt where `progress` stopped it.
        """
        checked = check(adapters, read_whole_header(path)) if adapters else None
        with contextlib.ExitStack() as undo:
            model = load_weights(path, placement, progress)
            undo.callback(model.close)
            rows = rows_of(model.vocabulary.size, placement.batch)
            context = open_context(model, placement, outputs=max(rows, placement.sequences))
            undo.callback(context.close)
            if not model.generates_text or model.translates or not context.has_cache:
                raise BadModelFile(
                    f"{path.name} is not a language model that predicts a text's next token"
                )
            if checked is not None:
                AdapterShelf(model, context).use(checked)
            undo.pop_all()
        return cls(model, context, rows, placement, adapters or Adapters())

    @property
    def vocabulary(self) -> Vocabulary:
        return self._model.vocabulary

    @property
    def weights(self) -> LlamaModel:
        """The loaded file: its sizes, layers and metadata."""
        return self._model

    @property
    def context_length(self) -> int:
        """Tokens that texts scored together may have."""
        return self._context.length

    @property
    def sequences(self) -> int:
        """Texts scored together at most."""
        return self._context.sequences

    def logits(
        self, tokens: Sequence[int], first: int, *, rows: int | None = None
    ) -> Iterator[Logits]:
        """The logits after the tokens from `first` on, in blocks of at most `rows` (rows ×
        vocabulary), each a view that is good until the next is asked for.

        `tokens` are read as they are, without anything put before them. Raises what
        `LlamaContext.decode` does.
        """
        self._forget()
        blocks: list[Logits] = []
        part = _Part(0, 0, tokens, len(tokens) - first, lambda _, block: blocks.append(block))
        for _ in self._computed([part], rows or self.rows):
            yield from blocks
            blocks.clear()

    def branches(self, questions: Sequence[Branches]) -> list[list[npt.NDArray[np.float64]]]:
        """For each question, and each of its endings, the log-likelihoods of the ending's tokens.

        Together the questions have at most `context_length` tokens and `sequences` endings. What
        the endings have in common is computed once: then each has a sequence that begins with it.
        Raises what `LlamaContext.decode` does.
        """
        self._forget()
        scores = [[np.zeros(len(one)) for one in question.endings] for question in questions]
        prefixes, rest, sequence = list[_Part](), list[_Part](), 0
        copies: list[tuple[int, int, int]] = []
        for question, found in zip(questions, scores, strict=True):
            prefixes.append(_first_of(question, found, sequence))
            for number, ending in enumerate(question.endings):
                if number and len(ending) > 1:
                    copies.append((sequence, sequence + number, len(question.prefix)))
                rest.append(_rest_of(question, ending, found[number], sequence + number))
            sequence += len(question.endings)
        for _ in self._computed(prefixes, self.rows):
            pass
        for source, destination, length in copies:
            self._context.copy(source, destination, length)
        for _ in self._computed([part for part in rest if part.tokens], self.rows):
            pass
        return scores

    def _computed(self, parts: Sequence[_Part], rows: int) -> Iterator[None]:
        """Compute `parts` in full batches, with at most `rows` rows of logits in each; yields after
        each, when `take` was called for what was in it."""
        pending: list[tuple[_Part, int, int, int]] = []  # with rows before, batch row and count
        free = rows
        for part in parts:
            at, silent = 0, len(part.tokens) - part.wanted
            while at < len(part.tokens):
                room = self._context.batch_size - self._batch.count
                count = min(room, max(0, silent - at) + free, len(part.tokens) - at)
                if count > 0:
                    shown = max(0, at + count - max(at, silent))
                    row = self._batch.add(
                        part.tokens[at : at + count],
                        part.position + at,
                        part.sequence,
                        logits=shown,
                    )
                    if shown:
                        pending.append((part, max(at, silent) - silent, row, shown))
                    at, free = at + count, free - shown
                if at < len(part.tokens):
                    self._decode(pending)
                    yield
                    free = rows
        if self._batch.count:
            self._decode(pending)
            yield

    def _forget(self) -> None:
        for sequence in range(self.sequences):
            self._context.forget(sequence)

    def _decode(self, pending: list[tuple[_Part, int, int, int]]) -> None:
        try:
            self._wait(self._thread.submit(self._context.decode, self._batch))
            for part, before, row, count in pending:
                part.take(before, self._context.logit_rows(row, count))
        finally:
            self._batch.clear()
            pending.clear()

    def _wait(self, computed: "Future[None]") -> None:
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    return computed.result(WAKE_SECONDS)
        except KeyboardInterrupt:
            self._context.abort()
            with contextlib.suppress(Exception):  # most likely that it was aborted
                computed.result()
            self._context.allow()
            raise

    def close(self) -> None:
        self._thread.shutdown()
        self._context.close()
        self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _first_of(question: Branches, found: list[npt.NDArray[np.float64]], sequence: int) -> _Part:
    """What the endings share; it predicts the first token of each."""

    def take(_: int, block: Logits) -> None:
        lowered = normalisers(block)[0]
        for scores, ending in zip(found, question.endings, strict=True):
            scores[0] = block[0, ending[0]] - lowered

    return _Part(sequence, 0, question.prefix, 1, take)


def _rest_of(
    question: Branches,
    ending: tuple[int, ...],
    scores: npt.NDArray[np.float64],
    sequence: int,
) -> _Part:
    """An ending without its last token: each predicts the next."""

    def take(before: int, block: Logits) -> None:
        after = ending[1 + before : 1 + before + len(block)]
        scores[1 + before : 1 + before + len(block)] = log_likelihoods(block, after)

    return _Part(sequence, len(question.prefix), ending[:-1], len(ending) - 1, take)
