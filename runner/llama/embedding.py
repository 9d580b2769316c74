"""A context that gives one vector for each text instead of the next token."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from runner.errors import BadModelFile, DoesNotFit, RunnerError
from runner.llama import library
from runner.llama.context import FLASH_ATTENTION, Batch
from runner.llama.library import llama_cpp
from runner.llama.model import LlamaModel

POOLINGS = {1: "mean", 2: "cls", 3: "last"}
"""How the vectors of a text's tokens become one: their mean, the first or the last of them."""

NO_POOLING, RANK, MEAN = 0, 4, 1


class EmbeddingContext:
    """Computes texts together, each a sequence of its own. Not thread-safe."""

    def __init__(self, model: LlamaModel, *, tokens: int, sequences: int, threads: int) -> None:
        """Allocate for `tokens` of all texts of a batch together, at most `sequences` of them.

        Pooling is what the file says, else the mean. Raises BadModelFile for models that give no
        vectors, and DoesNotFit.
        """
        pooling = int(model.metadata(f"{model.architecture}.pooling_type") or NO_POOLING)
        if pooling == RANK or model.translates:
            raise BadModelFile(
                "this model gives no vectors of texts: it ranks or translates them",
                remedy="Choose an embedding model, or one that generates text.",
            )
        pooling = pooling if pooling in POOLINGS else MEAN
        parameters = llama_cpp.llama_context_default_params()
        # A text has to be in one piece: pooling sees what is computed together.
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = tokens
        parameters.n_seq_max = sequences
        parameters.kv_unified = True
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.flash_attn_type = FLASH_ATTENTION["auto"]
        parameters.embeddings = True
        parameters.pooling_type = pooling
        library.forget_log()
        self._model = model
        self._pointer = llama_cpp.llama_init_from_model(model.pointer, parameters)
        if not self._pointer:
            raise DoesNotFit(
                f"llama.cpp cannot make a context of {tokens} tokens: {library.last_error()}",
                remedy="Choose a smaller context (--ctx).",
            )
        self.pooling = POOLINGS[pooling]
        self.width = int(llama_cpp.llama_model_n_embd_out(model.pointer))
        self.sequences = sequences
        self.tokens = tokens
        self._memory = llama_cpp.llama_get_memory(self._pointer)
        self._batch = Batch(tokens)

    def embed(self, texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        """The vector of each text, (texts × width), as the model gives it. Together they have at
        most `tokens` tokens, and each has one or more. Raises RunnerError where llama.cpp fails.
        """
        self._batch.clear()
        for sequence, tokens in enumerate(texts):
            self._batch.add(tokens, 0, sequence, logits=len(tokens))
        code = llama_cpp.llama_decode(self._pointer, self._batch.struct)
        self._model.check_workers()
        if code != 0:
            raise RunnerError(f"llama.cpp failed to embed (code {code}): {library.last_error()}")
        vectors = np.empty((len(texts), self.width), np.float32)
        for sequence in range(len(texts)):
            pointer = llama_cpp.llama_get_embeddings_seq(self._pointer, sequence)
            vectors[sequence] = np.ctypeslib.as_array(pointer, shape=(self.width,))
        if self._memory:  # encoders keep nothing
            llama_cpp.llama_memory_clear(self._memory, False)
        return vectors

    def close(self) -> None:
        if self._pointer:
            llama_cpp.llama_free(self._pointer)
            self._pointer = None
