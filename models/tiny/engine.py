"""Greedy answers from a GGUF file through llama.cpp, many conversations at a time.

Each conversation is a sequence of its own in one context. A prompt is given as
text from the template and text from people, and only the first kind may become
control tokens; here the fixed form of `chat.render` makes both the same.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

SEQUENCES = 32


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, text: bytes, data: Any) -> None:
    """Swallow what llama.cpp says while it loads."""


class Engine:
    """A loaded model file."""

    def __init__(self, file: Path, threads: int = 2, room: int = 2048) -> None:
        llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        model = llama_cpp.llama_model_default_params()
        model.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(file).encode(), model)
        if not self.model:
            raise SystemExit(f"cannot load {file}")
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = room * SEQUENCES
        options.n_batch = options.n_ubatch = 512
        options.n_seq_max = SEQUENCES
        options.n_threads = options.n_threads_batch = threads
        options.kv_unified = True
        self.room = options.n_ctx
        self.context = llama_cpp.llama_init_from_model(self.model, options)
        self.batch = llama_cpp.llama_batch_init(512, 0, 1)

    def tokens(self, text: str, special: bool = True) -> list[int]:
        """The ids of a text, by llama.cpp's own tokenizer."""
        raw = text.encode()
        space = (ctypes.c_int * (len(raw) + 16))()
        count = llama_cpp.llama_tokenize(
            self.vocabulary, raw, len(raw), space, len(raw) + 16, False, special
        )
        return list(space[:count])

    def text(self, ids: list[int]) -> str:
        """The text of ids, special tokens by their names."""
        buffer = ctypes.create_string_buffer(128)
        raw = b""
        for one in ids:
            size = llama_cpp.llama_token_to_piece(self.vocabulary, one, buffer, 128, 0, True)
            raw += buffer.raw[:size]
        return raw.decode(errors="replace")

    def _decode(self, entries: list[tuple[int, int, int, bool]]) -> dict[int, int]:
        """Run (token, position, sequence, wanted) entries; return the best tokens that follow."""
        best: dict[int, int] = {}
        for start in range(0, len(entries), 512):
            part = entries[start : start + 512]
            self.batch.n_tokens = len(part)
            for i, (token, position, sequence, wanted) in enumerate(part):
                self.batch.token[i] = token
                self.batch.pos[i] = position
                self.batch.n_seq_id[i] = 1
                self.batch.seq_id[i][0] = sequence
                self.batch.logits[i] = wanted
            if llama_cpp.llama_decode(self.context, self.batch):
                raise SystemExit("llama.cpp could not decode a batch")
            for i, (_, _, sequence, wanted) in enumerate(part):
                if wanted:
                    row = llama_cpp.llama_get_logits_ith(self.context, i)
                    best[sequence] = int(np.ctypeslib.as_array(row, (self.size,)).argmax())
        return best

    def answers(self, prompts: list[list[int]], limit: int = 320) -> list[list[int]]:
        """The greedy continuation of every prompt, up to and with its end token."""
        results: list[list[int]] = [[] for _ in prompts]
        waiting = list(range(len(prompts)))[::-1]
        memory = llama_cpp.llama_get_memory(self.context)
        slots: dict[int, int] = {}
        at: dict[int, int] = {}
        while waiting or slots:
            entries: list[tuple[int, int, int, bool]] = []
            for sequence, prompt in slots.items():
                entries.append((results[prompt][-1], at[sequence], sequence, True))
                at[sequence] += 1
            for sequence in range(SEQUENCES):
                if sequence not in slots and waiting:
                    prompt = waiting.pop()
                    slots[sequence], ids = prompt, prompts[prompt]
                    at[sequence] = len(ids)
                    entries += [(t, i, sequence, i == len(ids) - 1) for i, t in enumerate(ids)]
            for sequence, token in self._decode(entries).items():
                answer = results[slots[sequence]]
                answer.append(token)
                ended = llama_cpp.llama_vocab_is_eog(self.vocabulary, token)
                if ended or len(answer) >= limit:
                    llama_cpp.llama_memory_seq_rm(memory, sequence, -1, -1)
                    del slots[sequence]
        return results
