"""A context: the KV cache of a loaded model, and the calls that move it forward and back."""

import ctypes
import ctypes.util
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from runner.errors import DoesNotFit, RunnerError
from runner.llama import library
from runner.llama.library import llama_cpp
from runner.llama.model import LlamaModel

KV_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "bf16": 30}
"""Names a user may give for the type of the KV cache, with ggml's numbers."""

FLASH_ATTENTION_AUTO = -1
ABORTED = 2


class DecodeAborted(Exception):
    """`Context.abort()` was called while llama.cpp computed; the batch may be partly kept."""


def _strlen() -> Any:
    """libc's strlen as an abort callback.

    llama.cpp asks its abort callback hundreds of times in one decode, and a callback written in
    Python would take the GIL each time. strlen over a flag of one byte and a terminating zero
    answers the same question in C: 0 for "go on", 1 for "stop". This is an ABI trick: it relies
    on a size_t of 0 or 1 reading as a C bool, which holds on every platform llama.cpp runs on.
    """
    c_library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(c_library.strlen, llama_cpp.ggml_abort_callback)


class LlamaContext:
    """One sequence's KV cache. Not thread-safe, but for `abort()`."""

    def __init__(
        self,
        model: LlamaModel,
        *,
        context: int,
        batch: int,
        threads: int,
        kv_type: str = "f16",
    ) -> None:
        """Allocate for `context` tokens, at most `batch` of them in one `decode`.

        Logits are kept for one token of a batch only: room for every token would cost
        `batch × vocabulary` floats. Raises DoesNotFit.
        """
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = min(batch, context)
        parameters.n_seq_max = 1
        parameters.n_outputs_max = 1
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.type_k = parameters.type_v = KV_TYPES[kv_type]
        parameters.flash_attn_type = FLASH_ATTENTION_AUTO
        parameters.swa_full = False
        self._flag = ctypes.create_string_buffer(2)
        self._callback = _strlen()
        parameters.abort_callback = self._callback
        parameters.abort_callback_data = ctypes.cast(self._flag, ctypes.c_void_p)
        library.forget_log()
        self._pointer = llama_cpp.llama_init_from_model(model.pointer, parameters)
        if not self._pointer:
            raise DoesNotFit(
                f"llama.cpp cannot make a context of {context} tokens: {library.last_error()}",
                remedy="Choose a smaller context (--ctx) or KV type (--kv q8_0).",
            )
        self.length: int = llama_cpp.llama_n_ctx(self._pointer)
        self.batch: int = llama_cpp.llama_n_batch(self._pointer)
        self._memory = llama_cpp.llama_get_memory(self._pointer)
        self._window = model.sliding_window
        self._batch = llama_cpp.llama_batch_init(self.batch, 0, 1)
        self._prepare_batch()

    def _prepare_batch(self) -> None:
        """Numpy views over the batch's arrays, which live as long as the batch does."""

        def view(pointer: Any, kind: Any) -> Any:
            return np.ctypeslib.as_array(pointer, shape=(self.batch,)).view(kind)

        self._tokens = view(self._batch.token, np.int32)
        self._positions = view(self._batch.pos, np.int32)
        self._wants_logits = view(self._batch.logits, np.int8)
        view(self._batch.n_seq_id, np.int32)[:] = 1
        for index in range(self.batch):
            self._batch.seq_id[index][0] = 0

    @property
    def pointer(self) -> Any:
        return self._pointer

    def decode(self, tokens: Sequence[int], position: int, *, logits: bool) -> None:
        """Read `tokens` at `position` onwards; `logits` keeps those after the last one.

        Raises DecodeAborted, and RunnerError where llama.cpp fails.
        """
        count = len(tokens)
        self._tokens[:count] = tokens
        self._positions[:count] = np.arange(position, position + count, dtype=np.int32)
        self._wants_logits[:count] = 0
        self._wants_logits[count - 1] = logits
        self._batch.n_tokens = count
        code = llama_cpp.llama_decode(self._pointer, self._batch)
        if code == ABORTED:
            raise DecodeAborted
        if code != 0:
            raise RunnerError(f"llama.cpp failed to decode (code {code}): {library.last_error()}")

    def forget_from(self, position: int) -> bool:
        """Drop everything from `position` on. False where this cache cannot: it is then unchanged
        (a recurrent one) or no longer holds the window before `position` (a sliding one)."""
        if not llama_cpp.llama_memory_seq_rm(self._memory, 0, position, -1):
            return False
        oldest = llama_cpp.llama_memory_seq_pos_min(self._memory, 0)
        return position == 0 or not self._window or oldest <= max(0, position - self._window)

    def clear(self) -> None:
        """Forget everything. The cells are only marked as empty: zeroing them would touch the
        whole cache, 15 ms and more for a long context, and nothing reads an empty cell."""
        llama_cpp.llama_memory_clear(self._memory, False)

    def abort(self) -> None:
        """Make a running `decode` stop within milliseconds, from any thread (CPU back ends only;
        elsewhere it ends with its batch)."""
        self._flag[0] = b"\x01"

    def allow(self) -> None:
        """Take back an earlier `abort`."""
        self._flag[0] = b"\x00"

    def close(self) -> None:
        if self._pointer:
            llama_cpp.llama_batch_free(self._batch)
            llama_cpp.llama_free(self._pointer)
            self._pointer = None
