"""Guessing with a second, smaller model of the same vocabulary."""

from array import array
from pathlib import Path
from typing import Self

import numpy as np

from runner.engine.weights import load_weights
from runner.errors import ConfigurationError
from runner.fit import Placement
from runner.kvstore.store import common_length
from runner.llama.context import Batch, DecodeAborted, LlamaContext
from runner.llama.model import LlamaModel
from runner.llama.vocabulary import Vocabulary

SURE = 0.5
"""The probability below which a token is not worth guessing: half of such guesses are wrong."""

CHUNK = 64
"""Tokens read at a time, while the reply goes on without guesses."""


class DraftModel:
    """Its own model and context. Only the thread that decodes may ask it; `abort` is for others."""

    def __init__(self, model: LlamaModel, context: LlamaContext, known: int) -> None:
        """`known` tokens are in both vocabularies."""
        self._model = model
        self._known = known
        self._context = context
        self._batch = Batch(context.batch_size)
        self._held = array("i")

    @classmethod
    def open(cls, path: Path, placement: Placement, vocabulary: Vocabulary) -> Self:
        """Load the model at `path`, which guesses for one whose vocabulary is `vocabulary`.

        Raises ConfigurationError where it cannot serve, and what loading raises.
        """
        model = load_weights(path, placement)
        try:
            if model.recurrent or model.sliding_window:
                raise ConfigurationError(
                    f"{path.name} cannot guess for another model: its cache cannot take back what "
                    "was guessed wrong",
                    remedy="Choose one with full attention in every layer, or none.",
                )
            if not model.vocabulary.speaks_like(vocabulary):
                raise ConfigurationError(
                    f"{path.name} cannot guess for another model: it has another vocabulary",
                    remedy="Choose a smaller model of the same family.",
                )
            context = LlamaContext(
                model,
                context=placement.context,
                batch=CHUNK,
                threads=placement.threads,
                threads_batch=placement.threads_batch,
                kv_type=placement.kv_type,
                flash_attention=placement.flash_attention,
            )
        except BaseException:
            model.close()
            raise
        return cls(model, context, min(model.vocabulary.size, vocabulary.size))

    def propose(self, tokens: list[int], room: int) -> list[int] | None:
        """None while there is more to be read than a little, and where the context is too short."""
        if len(tokens) + room > self._context.length:
            return None
        wanted = array("i", tokens)
        held = min(common_length(self._held, wanted), len(tokens) - 1)
        self._context.allow()
        self._context.forget_from(0, held)
        self._held = wanted[:held]
        if max(wanted[held:]) >= self._known:
            return None
        try:
            if len(tokens) - held > CHUNK:
                self._read(wanted[held : held + CHUNK])
                return None
            return self._guess(wanted[held:], room)
        except DecodeAborted:
            self._context.forget_from(0, len(self._held))
            return None

    def _guess(self, unread: "array[int]", room: int) -> list[int]:
        guess: list[int] = []
        while len(guess) < room:
            row = self._read(unread)
            logits = self._context.logits(row)
            token = int(logits.argmax())
            probability = 1 / float(np.exp(logits - logits[token]).sum())
            if probability < SURE or token >= self._known:
                break
            guess.append(token)
            unread = array("i", [token])
        return guess

    def _read(self, tokens: "array[int]") -> int:
        """Compute these; the row of the last one's logits."""
        self._batch.clear()
        row = self._batch.add(tokens, len(self._held), 0, logits=1)
        self._context.decode(self._batch)
        self._held.extend(tokens)
        return row

    def abort(self) -> None:
        """Make what is being computed stop, from any thread."""
        self._context.abort()

    def close(self) -> None:
        self._context.close()
        self._model.close()
