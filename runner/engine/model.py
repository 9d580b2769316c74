"""A model ready to run: its weights, its context and the loop that decodes on it."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from runner.engine.encode import encode_prompt
from runner.engine.kept import Kept
from runner.engine.loop import DecodeLoop
from runner.engine.options import Options
from runner.engine.speculation import LONGEST
from runner.engine.stream import ReadProgress, Request, Stream
from runner.errors import BadModelFile, PromptTooLong
from runner.fit import Placement
from runner.kvstore import Store
from runner.llama.context import LlamaContext
from runner.llama.model import LlamaModel, Progress
from runner.llama.vocabulary import Vocabulary
from runner.prompt import Prompt

BATCH = 512
"""Tokens of a prompt read at a time; more is no faster on a CPU and delays a cancel."""


class Model:
    """Open with `Model.open`; `generate` may be called from any thread."""

    def __init__(
        self, model: LlamaModel, context: LlamaContext, load_seconds: float, kept: Kept | None
    ) -> None:
        self._model = model
        self._context = context
        self._loop = DecodeLoop(context, model.vocabulary, kept)
        self._loop.start()
        self.load_seconds = load_seconds

    @classmethod
    def open(
        cls,
        path: Path,
        placement: Placement,
        *,
        store: Store | None = None,
        identity: str = "",
        progress: Progress | None = None,
    ) -> Self:
        """Load `path` as `placement` says. What is read is kept in `store`, if there is one, under
        the model's `identity`.

        Raises BadModelFile, DoesNotFit, DeviceError; KeyboardInterrupt where `progress` stopped it.
        """
        started = time.perf_counter()
        with contextlib.ExitStack() as undo:
            model = LlamaModel(
                path,
                gpu_layers=placement.gpu_layers,
                devices=placement.devices,
                split=placement.split,
                experts_on_cpu=placement.experts_on_cpu,
                progress=progress,
            )
            undo.callback(model.close)
            if not model.generates_text:
                raise BadModelFile(
                    f"{path.name} is not a language model that generates text",
                    remedy="Choose a chat or base model; embedding models cannot answer.",
                )
            context = LlamaContext(
                model,
                context=placement.context,
                batch=BATCH,
                threads=placement.threads,
                kv_type=placement.kv_type,
                flash_attention=placement.flash_attention,
                sequences=placement.sequences,
                outputs=placement.sequences + LONGEST,
            )
            undo.pop_all()
        kept = Kept(store, identity, context) if store is not None else None
        return cls(model, context, time.perf_counter() - started, kept)

    @property
    def context_length(self) -> int:
        """Tokens that prompt and reply may have together."""
        return self._context.length

    @property
    def vocabulary(self) -> Vocabulary:
        return self._model.vocabulary

    @property
    def template_source(self) -> str | None:
        """The chat template the file carries."""
        return self._model.chat_template

    @property
    def description(self) -> str:
        return self._model.description

    @property
    def weights(self) -> LlamaModel:
        """The loaded file: its sizes, layers and metadata."""
        return self._model

    def encode(self, prompt: Prompt) -> list[int]:
        return encode_prompt(prompt, self._model.vocabulary)

    def _boundary(self, prompt: Prompt) -> int:
        """How many of a prompt's tokens come before what opens the reply: the next prompt goes on
        with the reply's own text there, often without its reasoning."""
        if prompt.segments[-1:] and prompt.segments[-1].origin == "template":
            return len(self.encode(replace(prompt, segments=prompt.segments[:-1])))
        return 0

    def generate(
        self,
        prompt: Prompt | Sequence[int],
        options: Options | None = None,
        *,
        progress: ReadProgress | None = None,
    ) -> Stream:
        """Start a reply. A sequence of tokens is taken as it is (benchmarks).

        Raises PromptTooLong where prompt leaves no room for one token of reply.
        """
        if isinstance(prompt, Prompt):
            tokens = self.encode(prompt)
            boundary = self._boundary(prompt) if self._context.forgetful else 0
        else:
            tokens, prompt = list(prompt), Prompt.raw("")
            boundary = len(tokens) - 1
        if not tokens:
            # A vocabulary without BOS and an empty raw prompt: there must be something to read.
            tokens = [max(self.vocabulary.bos, 0)]
        if len(tokens) >= self.context_length:
            raise PromptTooLong(
                f"the prompt has {len(tokens)} tokens and the context holds {self.context_length}",
                remedy="Shorten it, or give a larger context with --ctx."
                if self.context_length < self._model.context_train
                else "Shorten it, or choose a model with a longer context.",
            )
        request = Request(prompt, tokens, boundary, options or Options(), progress)
        self._loop.submit(request)
        return Stream(request, self._loop)

    def expect(self, prompt: Prompt | Sequence[int]) -> None:
        """The next prompt is likely to begin so: read it while there is nothing else to do. Of a
        `Prompt`, what opens the reply is left out. Nothing is lost where another one comes."""
        if isinstance(prompt, Prompt):
            tokens = self.encode(prompt)[: self._boundary(prompt)]
        else:
            tokens = list(prompt)
        if 0 < len(tokens) < self.context_length:
            self._loop.expect(tokens)

    @property
    def reading_ahead(self) -> bool:
        """Whether something that was expected is still to be read."""
        return self._loop.reading_ahead

    def close(self) -> None:
        """Stop the loop and free the memory."""
        self._loop.stop()
        self._context.close()
        self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
