"""The tokens that may come next with their logits, as llama.cpp's samplers take them."""

import ctypes
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from runner.llama.library import llama_cpp

_KIND = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Candidates:
    """An array that samplers filter, sort and choose from."""

    def __init__(self, ids: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> None:
        self._data = np.zeros(len(ids), _KIND)
        self._data["id"], self._data["logit"] = ids, logits
        pointer = ctypes.cast(self._data.ctypes.data, llama_cpp.llama_token_data_p)
        self._array = llama_cpp.llama_token_data_array(pointer, len(ids), -1, False)

    @classmethod
    def all(cls, logits: npt.NDArray[np.float32]) -> Self:
        """The whole vocabulary."""
        return cls(np.arange(len(logits), dtype=np.int32), logits)

    @classmethod
    def single(cls, token: int) -> Self:
        return cls(np.array([token], np.int32), np.ones(1, np.float32))

    def apply(self, sampler: Any) -> None:
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(self._array))

    def possible(self) -> Self:
        """Those that have a probability left. Samplers are not made for the others: *typical*,
        for one, gets no number for the entropy of a distribution that has zeros."""
        left = self._data[: self._array.size]
        left = left[np.isfinite(left["logit"])]
        return type(self)(left["id"], left["logit"])

    def __len__(self) -> int:
        return int(self._array.size)

    @property
    def chosen(self) -> int | None:
        """The token that the last sampler selected; None where all had no probability left."""
        selected = self._array.selected
        # Absurd settings let logits overflow upwards: what was selected then is as good as any.
        if selected < 0 or self._array.data[selected].logit == -np.inf:
            return None
        return int(self._array.data[selected].id)
