"""Vectors of texts: each text one vector of length 1, so that a dot product is a cosine."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from runner.engine.weights import load_weights
from runner.errors import PromptTooLong, RunnerError
from runner.fit import Placement
from runner.llama.embedding import EmbeddingContext
from runner.llama.model import LlamaModel, Progress

SEQUENCES = 32
"""Texts computed together at most."""


class Embedder:
    """Open with `Embedder.open`. Not thread-safe."""

    def __init__(self, model: LlamaModel, context: EmbeddingContext) -> None:
        self._model = model
        self._context = context

    @classmethod
    def open(cls, path: Path, placement: Placement, *, progress: Progress | None = None) -> Self:
        """Load `path` as `placement` says, whose context is what one text, or several short ones
        computed together, may have.

        Raises BadModelFile (also for models that give no vectors), DoesNotFit, DeviceError;
        KeyboardInterrupt where `progress` stopped it.
        """
        with contextlib.ExitStack() as undo:
            model = load_weights(path, placement, progress)
            undo.callback(model.close)
            # Past what it was trained for an encoder has no positions: llama.cpp would abort.
            tokens = min(placement.context, model.context_train)
            context = EmbeddingContext(
                model, tokens=tokens, sequences=SEQUENCES, threads=placement.threads_batch
            )
            undo.pop_all()
        return cls(model, context)

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self._context.width

    @property
    def pooling(self) -> str:
        """How a text's tokens become one vector: mean, cls or last."""
        return self._context.pooling

    @property
    def longest(self) -> int:
        """Tokens that a text may have."""
        return self._context.tokens

    def embed(
        self, texts: Sequence[str], *, progress: Callable[[int, int], bool] | None = None
    ) -> npt.NDArray[np.float32]:
        """The vectors of `texts`, (texts × width), each of length 1.

        Several are computed together; between, `progress` is told how many are done and of how
        many, and stops it by returning False. Raises PromptTooLong before anything is computed,
        and KeyboardInterrupt where `progress` stopped it.
        """
        encoded = [self._encode(text) for text in texts]
        for number, tokens in enumerate(encoded, 1):
            if len(tokens) > self.longest:
                raise PromptTooLong(
                    f"text {number} has {len(tokens)} tokens, and at most {self.longest} can be "
                    "embedded as one",
                    remedy="Split it, or give a larger context with --ctx."
                    if self.longest < self._model.context_train
                    else "Split it, or choose a model with a longer context.",
                )
        vectors = np.empty((len(texts), self.width), np.float32)
        done = 0
        for group in self._groups(encoded):
            vectors[done : done + len(group)] = self._context.embed(group)
            done += len(group)
            if progress is not None and not progress(done, len(texts)):
                raise KeyboardInterrupt
        return _normalised(vectors)

    def _encode(self, text: str) -> list[int]:
        vocabulary = self._model.vocabulary
        # Of an empty text something must be read.
        return vocabulary.encode_whole(text) or [max(vocabulary.bos, 0)]

    def _groups(self, encoded: Sequence[list[int]]) -> Iterator[list[list[int]]]:
        """Neighbouring texts that fit into a batch together."""
        group: list[list[int]] = []
        room = self.longest
        for tokens in encoded:
            if len(tokens) > room or len(group) == SEQUENCES:
                yield group
                group, room = [], self.longest
            group.append(tokens)
            room -= len(tokens)
        if group:
            yield group

    def close(self) -> None:
        self._context.close()
        self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _normalised(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if not np.isfinite(vectors).all():
        raise RunnerError(
            "the model computes vectors that are not numbers",
            remedy="The file is damaged or made for another version; fetch it again.",
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    vectors /= lengths
    return vectors
