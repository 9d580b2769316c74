"""A model ready to run: its weights, its context and the loop that decodes on it."""

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from runner.engine.adapters import Adapters, AdapterShelf, Switch, check
from runner.engine.draft import DraftModel
from runner.engine.encode import encode_prompt
from runner.engine.gathering import Gathering
from runner.engine.kept import Kept
from runner.engine.loop import DecodeLoop
from runner.engine.options import Options
from runner.engine.sampling import SEEDS, seed_of
from runner.engine.stream import ReadProgress, Request, Stream
from runner.engine.weights import load_weights, open_context
from runner.errors import BadModelFile, PromptTooLong
from runner.fit import Placement
from runner.fit.memory import GUESSES
from runner.gguf import Header, read_whole_header
from runner.kvstore import Store
from runner.llama import grammar
from runner.llama.context import LlamaContext
from runner.llama.model import LlamaModel, Progress
from runner.llama.vocabulary import Vocabulary
from runner.prompt import Prompt


class Model:
    """Open with `Model.open`; `generate` may be called from any thread."""

    def __init__(
        self,
        model: LlamaModel,
        path: Path,
        context: LlamaContext,
        load_seconds: float,
        kept: Kept | None,
        draft: DraftModel | None,
    ) -> None:
        self._model = model
        self._path = path
        self._context = context
        self._draft = draft
        self._shelf = AdapterShelf(model, context)
        self.adapters = Adapters()
        self._loop = DecodeLoop(context, model.vocabulary, kept, draft)
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
        draft: tuple[Path, Placement] | None = None,
        adapters: Adapters | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Load `path` as `placement` says, and `adapters` with it. What is read is kept in `store`,
        if there is one, under the model's `identity`. The model of `draft` guesses for it where
        replies ask for guesses.

        Raises BadModelFile, DoesNotFit, DeviceError; ConfigurationError where `draft` cannot guess
        for it; KeyboardInterrupt where `progress` stopped it.
        """
        started = time.perf_counter()
        if adapters:
            check(adapters, read_whole_header(path))  # before the long part
        with contextlib.ExitStack() as undo:
            model = load_weights(path, placement, progress)
            undo.callback(model.close)
            if not model.generates_text:
                raise _no_generator(path)
            context = open_context(model, placement, outputs=placement.sequences + GUESSES)
            undo.callback(context.close)
            if not context.has_cache:
                raise _no_generator(path)
            guesser = DraftModel.open(*draft, model.vocabulary) if draft else None
            undo.pop_all()
        kept = Kept(store, identity, context) if store is not None else None
        loaded = cls(model, path, context, time.perf_counter() - started, kept, guesser)
        if adapters:
            try:
                loaded.adapt(adapters)
            except BaseException:
                loaded.close()
                raise
        return loaded

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

        Raises PromptTooLong where prompt leaves no room for one token of reply, and
        ConfigurationError where `options` ask for what cannot be with this model.
        """
        return self.samples(prompt, 1, options, progress=progress)[0]

    def samples(
        self,
        prompt: Prompt | Sequence[int],
        count: int,
        options: Options | None = None,
        *,
        progress: ReadProgress | None = None,
    ) -> list[Stream]:
        """Start `count` replies to a prompt that is read once. The first has the seed of the
        `options`, each of the others that of the one before and 1. Raises as `generate` does."""
        requests = self._requests(prompt, count, options or Options(), progress)
        streams = [Stream(request, self._loop) for request in requests]
        self._loop.submit(requests)
        return streams

    def gather(self, asked: Iterable[tuple[Prompt | Sequence[int], int, Options]]) -> Gathering:
        """Start many replies that nobody reads along, as many to each prompt as its number says,
        like `samples`; they come whole, as they end. What is asked is handed to the loop at once:
        with `together` in the options, the same is computed together each time. Raises as
        `generate` does, before anything is started."""
        requests = [
            request
            for prompt, count, options in asked
            for request in self._requests(prompt, count, options)
        ]
        return Gathering(requests, self._loop)

    def _requests(
        self,
        prompt: Prompt | Sequence[int],
        count: int,
        options: Options,
        progress: ReadProgress | None = None,
    ) -> list[Request]:
        options.sampling.check(self.vocabulary.size)
        if options.constraint is not None:
            grammar.check(options.constraint.gbnf, self.vocabulary)
        tokens, boundary = self._read(prompt)
        if count > self._context.sequences:
            boundary = len(tokens) - 1  # where those begin for whom there is no sequence yet
        if len(tokens) >= self.context_length:
            raise PromptTooLong(
                f"the prompt has {len(tokens)} tokens and the context holds {self.context_length}",
                remedy="Shorten it, or give a larger context with --ctx."
                if self.context_length < self._model.context_train
                else "Shorten it, or choose a model with a longer context.",
            )
        asked = prompt if isinstance(prompt, Prompt) else Prompt.raw("")
        sampling = options.sampling.within(self.context_length)
        first, requests = seed_of(sampling), list[Request]()
        for number in range(count):
            seeded = replace(sampling, seed=(first + number) % SEEDS)
            each = replace(options, sampling=seeded)
            leader = requests[0] if requests else None
            requests.append(Request(asked, tokens, boundary, each, progress, leader))
        return requests

    def _read(self, prompt: Prompt | Sequence[int]) -> tuple[list[int], int]:
        """A prompt's tokens, and how many of them the next prompt is likely to begin with."""
        if isinstance(prompt, Prompt):
            tokens = self.encode(prompt)
            boundary = self._boundary(prompt) if self._context.forgetful else 0
        else:
            tokens = list(prompt)
            boundary = len(tokens) - 1
        # A vocabulary without BOS and an empty raw prompt: there must be something to read.
        return tokens or [max(self.vocabulary.bos, 0)], boundary

    def adapt(self, adapters: Adapters) -> None:
        """Answer with these LoRAs and control vectors, and no others, from the next request on.

        Returns when the requests before it are done and the switch is made; what they left in the
        cache is forgotten. Files that were loaded once stay, so that going back is quick.

        Raises BadModelFile where a file does not fit the model, ConfigurationError where a LoRA is
        named twice; the model then goes on with the adapters it had.
        """
        checked = check(adapters, self._header)
        switch = Switch(lambda: self._shelf.use(checked), checked.identity)
        self._loop.submit(switch)
        switch.wait()
        self.adapters = adapters

    @cached_property
    def _header(self) -> Header:
        return read_whole_header(self._path)

    def expect(self, prompt: Prompt | Sequence[int], options: Options | None = None) -> None:
        """The next prompt is likely to begin so: read it while there is nothing else to do. Of a
        `Prompt`, what opens the reply is left out, and of the `options`, `owner` and `private`
        count. Nothing is lost where another one comes."""
        if isinstance(prompt, Prompt):
            tokens = self.encode(prompt)[: self._boundary(prompt)]
        else:
            tokens = list(prompt)
        if 0 < len(tokens) < self.context_length:
            self._loop.expect(tokens, options or Options())

    @property
    def reading_ahead(self) -> bool:
        """Whether something that was expected is still to be read."""
        return self._loop.reading_ahead

    def close(self) -> None:
        """Stop the loop and free the memory."""
        self._loop.stop()
        if self._draft is not None:
            self._draft.close()
        self._context.close()
        self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _no_generator(path: Path) -> BadModelFile:
    return BadModelFile(
        f"{path.name} is not a language model that generates text",
        remedy="Choose a chat or base model; of an embedding model, `runner embed` gives vectors.",
    )
