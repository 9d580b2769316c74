"""A context: the KV cache of a loaded model, shared by several sequences, and the calls that move
them forward and back."""

import ctypes
import ctypes.util
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from runner.errors import DeviceError, DoesNotFit, RunnerError
from runner.llama import library
from runner.llama.library import llama_cpp
from runner.llama.model import LlamaModel

KV_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "bf16": 30}
"""Names a user may give for the type of the KV cache, with ggml's numbers."""

FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}
NO_ROOM, ABORTED = 1, 2  # what llama_decode returns
NO_MEMORY, DEVICE_FAILED = -2, -3


class DecodeAborted(Exception):
    """`abort()` was called while llama.cpp computed; the batch may be partly kept."""


class NoRoom(Exception):
    """The cache has no free cells for the batch; nothing of it was kept."""


def _strlen() -> Any:
    """libc's strlen as an abort callback.

    llama.cpp asks its abort callback hundreds of times in one decode, and a callback written in
    Python would take the GIL each time. strlen over a flag of one byte and a terminating zero
    answers the same question in C: 0 for "go on", 1 for "stop". This is an ABI trick: it relies
    on a size_t of 0 or 1 reading as a C bool, which holds on every platform llama.cpp runs on.
    """
    c_library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(c_library.strlen, llama_cpp.ggml_abort_callback)


class Batch:
    """Tokens to be computed together, each at a position of a sequence.

    The arrays are allocated once: filling them is a few vectorised writes.
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self._tokens = np.zeros(size, np.int32)
        self._positions = np.zeros(size, np.int32)
        self._sequences = np.zeros(size, np.int32)
        self._logits = np.zeros(size, np.int8)
        self._ones = np.ones(size, np.int32)
        first = self._sequences.ctypes.data
        self._pointers = np.arange(first, first + 4 * size, 4, dtype=np.uintp)
        self._struct = llama_cpp.llama_batch()
        for name, array in (
            ("token", self._tokens),
            ("pos", self._positions),
            ("n_seq_id", self._ones),
            ("seq_id", self._pointers),
            ("logits", self._logits),
        ):
            kind = dict(llama_cpp.llama_batch._fields_)[name]
            setattr(self._struct, name, ctypes.cast(array.ctypes.data, kind))

    def clear(self) -> None:
        self.count = 0

    def add(self, tokens: Sequence[int], position: int, sequence: int, *, logits: int) -> int:
        """Append `tokens` at `position` onwards; the logits after the last `logits` of them are
        kept, and found from the row on that is returned."""
        start, end = self.count, self.count + len(tokens)
        self._tokens[start:end] = tokens
        self._positions[start:end] = range(position, position + len(tokens))
        self._sequences[start:end] = sequence
        self._logits[start : end - logits] = 0
        self._logits[end - logits : end] = 1
        self.count = end
        return end - logits

    @property
    def struct(self) -> Any:
        self._struct.n_tokens = self.count
        return self._struct


def _failure(code: int) -> RunnerError:
    """What a negative code of llama_decode means."""
    reason = library.last_error()
    if code == NO_MEMORY:
        return DoesNotFit(
            f"llama.cpp ran out of memory while it computed: {reason}",
            remedy="Choose a smaller context (--ctx), or fewer layers on the GPU (--gpu-layers).",
        )
    if code == DEVICE_FAILED:
        return DeviceError(
            f"a device failed while it computed: {reason}",
            remedy="--device cpu does without it; --verbose shows llama.cpp's log.",
        )
    return RunnerError(
        f"llama.cpp refused to compute (code {code}): {reason}",
        remedy="--verbose shows llama.cpp's log.",
    )


class LlamaContext:
    """The KV cache of up to `sequences` sequences. Not thread-safe, but for `abort()`."""

    def __init__(
        self,
        model: LlamaModel,
        *,
        context: int,
        batch: int,
        threads: int,
        kv_type: str = "f16",
        flash_attention: str = "auto",
        sequences: int = 1,
        outputs: int | None = None,
        threads_batch: int | None = None,
        micro_batch: int | None = None,
    ) -> None:
        """Allocate for `context` tokens of all sequences together, at most `batch` of them in one
        `decode`, which computes `micro_batch` at once. `threads` compute single tokens, and
        `threads_batch` several; where these two are not given they are as the others.

        Logits are kept for `outputs` tokens of a batch, else for one of each sequence: room for
        every token would cost `batch × vocabulary` floats. Raises DoesNotFit; DeviceError where a
        worker was lost.
        """
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = min(batch, context)
        parameters.n_ubatch = min(micro_batch or batch, context)
        parameters.n_seq_max = sequences
        parameters.n_outputs_max = outputs or sequences
        parameters.kv_unified = True  # sequences share cells: a branch costs nothing
        parameters.n_threads = threads
        parameters.n_threads_batch = threads_batch or threads
        parameters.type_k = parameters.type_v = KV_TYPES[kv_type]
        parameters.flash_attn_type = FLASH_ATTENTION[flash_attention]
        parameters.swa_full = False
        self._flag = ctypes.create_string_buffer(2)
        self._callback = _strlen()
        parameters.abort_callback = self._callback
        parameters.abort_callback_data = ctypes.cast(self._flag, ctypes.c_void_p)
        library.forget_log()
        self._pointer = llama_cpp.llama_init_from_model(model.pointer, parameters)
        self._model = model
        if not self._pointer:
            model.check_workers()
            raise DoesNotFit(
                f"llama.cpp cannot make a context of {context} tokens: {library.last_error()}",
                remedy="Choose a smaller context (--ctx) or KV type (--kv q8_0).",
            )
        # llama.cpp rounds up; a model with learned positions aborts where there are none any more.
        self.length: int = min(context, llama_cpp.llama_n_ctx(self._pointer))
        self.batch_size: int = llama_cpp.llama_n_batch(self._pointer)
        self.sequences = sequences
        self.window = model.sliding_window
        self._vocabulary_size = model.vocabulary.size
        self.recurrent = model.recurrent
        self._layout = " ".join(
            f"{name}={value}"
            for name, value in (
                ("llama-cpp-python", library.PINNED_VERSION),
                ("kv", kv_type),
                ("flash", parameters.flash_attn_type),
                ("swa_full", parameters.swa_full),
                ("unified", parameters.kv_unified),
                ("rope", (parameters.rope_scaling_type, parameters.rope_freq_base)),
                ("layers", sorted(model.layers_on.items())),
            )
        )
        self._memory = llama_cpp.llama_get_memory(self._pointer)

    @property
    def pointer(self) -> Any:
        return self._pointer

    @property
    def has_cache(self) -> bool:
        """False for encoders, which compute each text anew and write none. llama.cpp says of some
        that they decode, and gives logits of theirs that are left-over memory."""
        return bool(self._memory)

    @property
    def forgetful(self) -> bool:
        """Whether this cache returns to an earlier point only by a state that was taken there."""
        return self.recurrent or bool(self.window)

    def decode(self, batch: Batch) -> None:
        """Compute a batch.

        Raises DecodeAborted, NoRoom, DeviceError where a worker was lost or a device fails,
        DoesNotFit where memory runs out, and RunnerError where llama.cpp refuses the batch.
        """
        code = llama_cpp.llama_decode(self._pointer, batch.struct)
        self._model.check_workers()
        if code == 0:
            return
        if code == ABORTED:
            raise DecodeAborted
        if code == NO_ROOM:
            raise NoRoom
        raise _failure(code)

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """The logits after the token of a batch's `row`: a view, until the next `decode`."""
        pointer = llama_cpp.llama_get_logits_ith(self._pointer, row)
        return np.ctypeslib.as_array(pointer, shape=(self._vocabulary_size,))

    def logit_rows(self, row: int, count: int) -> npt.NDArray[np.float32]:
        """The logits after the tokens of a batch's `row` and the `count - 1` rows after it, for all
        of which they are kept, (count × vocabulary): a view, until the next `decode`."""
        pointer = llama_cpp.llama_get_logits_ith(self._pointer, row)
        return np.ctypeslib.as_array(pointer, shape=(count, self._vocabulary_size))

    def forget_from(self, sequence: int, position: int) -> bool:
        """Drop a sequence from `position` on. False where this cache cannot: a recurrent one is
        then unchanged, a sliding one no longer holds the window before `position`."""
        if not llama_cpp.llama_memory_seq_rm(self._memory, sequence, position, -1):
            return False
        # A recurrent state has one position, its last: it is there, or could not be dropped.
        return self.recurrent or self.sees(sequence, position)

    def sees(self, sequence: int, position: int) -> bool:
        """Whether a sequence still holds all that a token at `position` looks back at."""
        if position == 0 or not self.window:
            return True
        oldest = int(llama_cpp.llama_memory_seq_pos_min(self._memory, sequence))
        return 0 <= oldest <= max(0, position - self.window)

    def copy(self, source: int, destination: int, length: int) -> None:
        """Let `destination`, which is empty, begin with the first `length` tokens of `source`.

        The cells are shared, not copied; a recurrent state is copied whole, whatever `length`.
        """
        llama_cpp.llama_memory_seq_cp(self._memory, source, destination, 0, length)

    def forget(self, sequence: int) -> None:
        """Drop a whole sequence, which every cache can."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def state(self, sequence: int) -> bytes:
        """What a cache that cannot forget needs to return to this point: its recurrent states and
        sliding windows, without what full attention keeps. Raises DeviceError."""
        flags = llama_cpp.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY
        size = llama_cpp.llama_state_seq_get_size_ext(self._pointer, sequence, flags)
        data = (ctypes.c_uint8 * size)()
        llama_cpp.llama_state_seq_get_data_ext(self._pointer, data, size, sequence, flags)
        self._model.check_workers()
        return bytes(data)

    def restore(self, sequence: int, state: bytes) -> bool:
        """Return a sequence to where `state` was taken. False where llama.cpp refuses."""
        flags = llama_cpp.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY
        data = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return bool(
            llama_cpp.llama_state_seq_set_data_ext(self._pointer, data, len(state), sequence, flags)
        )

    @property
    def layout(self) -> str:
        """All that shapes the states of this context, besides the model."""
        return self._layout

    def full_state(self, sequence: int) -> bytes:
        """All that the cache holds of a sequence. Raises DeviceError where a worker was lost."""
        size = llama_cpp.llama_state_seq_get_size(self._pointer, sequence)
        data = (ctypes.c_uint8 * size)()
        llama_cpp.llama_state_seq_get_data(self._pointer, data, size, sequence)
        self._model.check_workers()
        return bytes(data)

    def set_state(self, sequence: int, state: bytes) -> bool:
        """Put back what `full_state` gave, into an empty sequence. False where there is no room or
        llama.cpp refuses it; the sequence is then empty."""
        data = ctypes.cast(ctypes.c_char_p(state), ctypes.POINTER(ctypes.c_uint8))
        done = llama_cpp.llama_state_seq_set_data(self._pointer, data, len(state), sequence)
        if not done:
            self.forget(sequence)
        return bool(done)

    def abort(self) -> None:
        """Make a running `decode` stop within milliseconds, from any thread (CPU back ends only;
        elsewhere it ends with its batch)."""
        self._flag[0] = b"\x01"

    def allow(self) -> None:
        """Take back an earlier `abort`."""
        self._flag[0] = b"\x00"

    def close(self) -> None:
        if self._pointer:
            llama_cpp.llama_free(self._pointer)
            self._pointer = None
