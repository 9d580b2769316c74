"""Reads an importance matrix: how much each column of a tensor matters, from a run over a text.

The format is the GGUF that llama.cpp's `llama-imatrix` writes: for each tensor `<name>.in_sum2`,
the summed squares of what its columns were multiplied with, and `<name>.counts`, of how many
tokens; a mixture of experts has a row of sums and a count for each expert.
"""

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from runner.errors import BadModelFile
from runner.gguf import Header, read_header
from runner.llama.library import llama_cpp

SUMS, COUNTS = ".in_sum2", ".counts"
REMEDY = "llama.cpp's llama-imatrix writes one with: --output-format gguf"


@dataclass(frozen=True, slots=True)
class Importance:
    """The array of C structures that llama.cpp takes, and the numbers it points to."""

    entries: Any
    values: dict[str, npt.NDArray[np.float32]]


def read_imatrix(path: Path) -> Importance:
    """The importance matrix in the file at `path`. Raises BadModelFile."""
    header = read_header(path, model=False)
    arrays = _arrays(header, path)
    values = {}
    for name, sums in arrays.items():
        if name.endswith(SUMS):
            counts = arrays.get(name.removesuffix(SUMS) + COUNTS)
            if counts is None or not counts.size or sums.size % counts.size:
                raise BadModelFile(f"{path.name} has no counts for {name}", remedy=REMEDY)
            values[name.removesuffix(SUMS)] = _means(sums, counts)
    if not values:
        raise BadModelFile(f"{path.name} holds no importance matrix", remedy=REMEDY)
    return Importance(_entries(values), values)


def _arrays(header: Header, path: Path) -> dict[str, npt.NDArray[np.float32]]:
    data = np.memmap(path, np.uint8, "r", header.data_offset)
    return {
        tensor.name: data[tensor.offset : tensor.offset + (tensor.bytes or 0)].view(np.float32)
        for tensor in header.tensors
        if tensor.type == "F32"
    }


def _means(
    sums: npt.NDArray[np.float32], counts: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The mean square of each column; 1 throughout for an expert that saw no token."""
    rows = sums.reshape(counts.size, -1)
    seen = counts.reshape(-1, 1) > 0
    means = np.where(seen, rows / np.where(seen, counts.reshape(-1, 1), 1), 1)
    return np.ascontiguousarray(means.reshape(-1), np.float32)


def _entries(values: dict[str, npt.NDArray[np.float32]]) -> Any:
    """An array that ends with an entry without a name."""
    entries = (llama_cpp.llama_model_imatrix_data * (len(values) + 1))()
    for entry, (name, array) in zip(entries, values.items(), strict=False):
        entry.name = name.encode()
        entry.data = array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = array.size
    return entries
